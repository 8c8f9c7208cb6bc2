// SPDX-License-Identifier: Apache-2.0
// The services of memory, storage and the managers, sent every kind of request with right and wrong contents by a peer
// that was let in. Nothing crashes, every refusal is counted, and whoever behaves is served afterwards. A failing seed
// is printed; LEGO_SEED runs that one, LEGO_ROUNDS more of them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>

#include "kernel/base/random.h"
#include "tests/fuzz/targets.h"

namespace fuzz {

// fuzz_rpc.cpp
void fuzz_target(Target& target, std::span<const std::byte> input);

namespace {

using messages::Operation;

std::uint64_t number(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

Totals run(const std::function<std::unique_ptr<Target>(std::uint64_t)>& make, std::uint64_t rounds, unsigned requests) {
  Totals totals;
  const std::uint64_t first = number("LEGO_SEED", 1);
  const std::uint64_t count = std::getenv("LEGO_SEED") != nullptr ? 1 : number("LEGO_ROUNDS", rounds);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    std::fprintf(stderr, "LEGO_SEED=%llu\n", static_cast<unsigned long long>(seed));
    const auto target = make(seed);
    base::Random random(seed);
    for (unsigned i = 0; i < requests; ++i) {
      std::vector<std::byte> choices(16 + random.below(200));
      for (auto& byte : choices) byte = static_cast<std::byte>(random.next());
      target->attack(choices);
    }
    target->check();
    target->collect(totals);
  }
  return totals;
}

// That nothing happened means something only if the doors were tried, and opened as well.
void expect_exercised(const Totals& totals, std::initializer_list<Operation> opened) {
  EXPECT_GT(totals.succeeded, totals.sent / 20);
  EXPECT_GT(totals.refused, totals.sent / 5);
  EXPECT_GT(totals.counted_errors, totals.sent / 20);
  EXPECT_GT(totals.counted_malformed, totals.sent / 20);
  for (const Operation operation : opened) {
    const auto value = static_cast<std::uint16_t>(operation);
    EXPECT_GT(totals.successes[value], 0u) << messages::operation_name(value) << " never succeeded";
  }
}

TEST(RpcFuzz, MemoryAndStorageAnswerAnything) {
  expect_exercised(run(make_components_target, 32, 2000),
                   {Operation::SpaceCreate,       Operation::SpaceFork,         Operation::SpaceDestroy,
                    Operation::SpaceMap,          Operation::SpaceUnmap,        Operation::SpaceProtect,
                    Operation::SpaceRemap,        Operation::SpaceBreak,        Operation::SpaceDiscard,
                    Operation::ObjectCreate,      Operation::ObjectRelease,     Operation::PageFetch,
                    Operation::FrameReserve,      Operation::PageWriteBack,     Operation::FileMount,
                    Operation::FileUnmount,       Operation::FileLookup,        Operation::FileCreate,
                    Operation::FileUnlink,        Operation::FileRename,        Operation::FileLink,
                    Operation::FileReadLink,      Operation::FileRead,          Operation::FileReadDirectory,
                    Operation::FileWrite,         Operation::FileStatistics,    Operation::FileSync,
                    Operation::FileHold,          Operation::FileRelease,       Operation::FileReserve,
                    Operation::SpaceLoad,         Operation::SpaceChanges,      Operation::SpacePageMove,
                    Operation::FileGetAttributes, Operation::FileSetAttributes, Operation::FileListXattrs,
                    Operation::FileSetXattr,      Operation::FilePunch,         Operation::FileExtent,
                    Operation::FileLimit});
}

TEST(RpcFuzz, ManagersAnswerAnything) {
  const Totals totals = run(make_managers_target, 20, 1500);
  expect_exercised(totals, {Operation::Join, Operation::Heartbeat, Operation::NodeLookup, Operation::NodeList,
                            Operation::VNodeCreate, Operation::VNodeDestroy, Operation::LaunchAssign,
                            Operation::LaunchEnd, Operation::VRegionAssign, Operation::VRegionRelease});
  EXPECT_GT(totals.counted_refusals, 0u) << "the stranger was never turned away";
}

// libFuzzer's inputs are rows of requests: the same way is gone here once.
TEST(RpcFuzz, TheFuzzersDoorIsOpen) {
  base::Random random(1);
  std::vector<std::byte> input(20'000);
  for (auto& byte : input) byte = static_cast<std::byte>(random.next());
  for (const auto& make : {make_components_target, make_managers_target}) {
    const auto target = make(1);
    fuzz_target(*target, input);
    Totals totals;
    target->collect(totals);
    EXPECT_GT(totals.sent, 50u);
  }
}

}  // namespace
}  // namespace fuzz

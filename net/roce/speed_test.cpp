// SPDX-License-Identifier: Apache-2.0
// How well a connection between our own components uses a wire, in virtual time: with everything sound, and with
// losses. The bounds are those that a rack needs; they hold for every seed, as nothing here depends on the machine.
#include <gtest/gtest.h>

#include "net/roce/testing/endpoint.h"

namespace {

using namespace roce;
using namespace roce::testing;
using verbs::Opcode;

struct Load {
  Opcode opcode;
  std::size_t bytes;      // of one operation
  std::size_t at_a_time;  // outstanding
};

// Virtual time that it takes to move `total` bytes.
std::uint64_t transfer_ns(const Load& load, std::size_t total, const Faults& faults, std::uint64_t seed) {
  World world(seed);
  Endpoint a(world.add(), 2 << 20);
  Endpoint b(world.add(), 2 << 20);
  verbs::QpAttributes attributes;
  attributes.adaptive_timeout = true;
  attributes.min_rnr_timer = 1;
  join(a, b, attributes);
  world.faults = faults;
  world.faults.delay_ns = 40'000;
  a.node.sink.frame_ns = b.node.sink.frame_ns = 15'000;
  const std::size_t operations = total / load.bytes;
  const std::uint64_t begin = world.clock.now_ns();
  std::size_t posted = 0;
  std::size_t receives = 0;
  std::size_t steps = 0;
  while (a.completed() < operations) {
    while (posted < operations && posted - a.done.size() < load.at_a_time) {
      if (!a.post(posted, load.opcode, 0, load.bytes, b.address(0), b.region->rkey())) break;
      ++posted;
    }
    while (load.opcode == Opcode::Send && receives - b.completed() < 64) {
      EXPECT_TRUE(b.post_receive(receives++, 0, 2 << 20));
    }
    if (!world.step() || ++steps > 5'000'000) {
      ADD_FAILURE() << "stuck after " << a.done.size();
      return 0;
    }
  }
  if (std::getenv("LEGO_COUNTERS") != nullptr) {
    const Counters& c = a.node.counters();
    std::printf("  %zu x %zu: %.2f ms, timeouts %llu, postponed %llu, rewinds %llu, retransmits %llu\n", load.bytes,
                operations, static_cast<double>(world.clock.now_ns() - begin) / 1e6,
                static_cast<unsigned long long>(c.timeouts), static_cast<unsigned long long>(c.timeouts_postponed),
                static_cast<unsigned long long>(c.rewinds), static_cast<unsigned long long>(c.retransmits));
  }
  for (const auto& completion : a.done) EXPECT_EQ(completion.status, verbs::CompletionStatus::Success);
  return world.clock.now_ns() - begin;
}

constexpr Faults two_percent{.drop = 20'000};

class Loads : public ::testing::TestWithParam<Load> {};

TEST_P(Loads, TwoPercentLossCostsAtMostHalfTheSpeed) {
  constexpr std::size_t total = 16 << 20;
  const std::uint64_t sound = transfer_ns(GetParam(), total, {}, 1);
  // 4 KiB take 15 us of wire.
  EXPECT_LT(sound, total / 4096 * 15'000 * 5 / 4);
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const std::uint64_t lossy = transfer_ns(GetParam(), total, two_percent, seed);
    EXPECT_LT(lossy, 2 * sound) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Transfers, Loads,
                         ::testing::Values(Load{Opcode::Send, 4096, 32}, Load{Opcode::Send, 1 << 20, 4},
                                           Load{Opcode::RdmaWrite, 65536, 8}, Load{Opcode::RdmaWrite, 4096, 64},
                                           Load{Opcode::RdmaRead, 4096, 32}, Load{Opcode::RdmaRead, 1 << 20, 2}));

// The same for as much as takes a while, once.
TEST(Transfers, OfAHundredMegabytesTakeAtMostTwiceAsLongToo) {
  constexpr std::size_t total = 100'000'000;
  for (const Opcode opcode : {Opcode::Send, Opcode::RdmaRead}) {
    SCOPED_TRACE(static_cast<int>(opcode));
    const Load load{opcode, 1'000'000, 4};
    const std::uint64_t sound = transfer_ns(load, total, {}, 1);
    EXPECT_LT(transfer_ns(load, total, two_percent, 4), 2 * sound);
  }
}

}  // namespace

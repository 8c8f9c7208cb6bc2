// SPDX-License-Identifier: Apache-2.0
// Random programs over small ExCaches: see world.h. A failing seed is printed and can be replayed with
// --gtest_also_run_disabled_tests --gtest_filter=*Replay* and the environment variables SEED, LINES, PROCESSES, PAGES
// and STEPS. LEGO_SEEDS multiplies the number of seeds, for long runs.
#include <gtest/gtest.h>

#include <cstdlib>

#include "processor/excache/world.h"

namespace excache {
namespace {

std::uint64_t number(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

Counters run_seeds(std::uint64_t first, std::uint64_t count, const WorldOptions& options) {
  Counters sum;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    World world(seed, options);
    world.run();
    const Counters counters = world.counters();
    sum.evictions += counters.evictions;
    sum.write_backs += counters.write_backs;
    sum.cow_faults += counters.cow_faults;
    sum.joined_fills += counters.joined_fills;
    sum.rescues += counters.rescues;
    sum.waits_for_line += counters.waits_for_line;
    sum.prefetch_used += counters.prefetch_used;
    sum.evictions_by_faulting_thread += counters.evictions_by_faulting_thread;
    sum.lost_pages += counters.lost_pages;
  }
  return sum;
}

const std::uint64_t more = number("LEGO_SEEDS", 1);

// Everything that is hard must really have happened.
void expect_exercised(const Counters& sum) {
  EXPECT_GT(sum.evictions, 0u);
  EXPECT_GT(sum.write_backs, 0u);
  EXPECT_GT(sum.cow_faults, 0u);
  EXPECT_GT(sum.joined_fills, 0u);
  EXPECT_GT(sum.rescues, 0u);
  EXPECT_GT(sum.waits_for_line, 0u);
  EXPECT_EQ(sum.evictions_by_faulting_thread, 0u);
  EXPECT_EQ(sum.lost_pages, 0u);
}

TEST(ExCacheProperties, EightLines) {
  expect_exercised(run_seeds(1, 200 * more, {.lines = 8, .processes = 2, .most_pages = 2}));
}
TEST(ExCacheProperties, SixteenLinesManyProcesses) {
  expect_exercised(run_seeds(1'000'000, 100 * more, {.lines = 16, .processes = 4, .most_pages = 4}));
}
TEST(ExCacheProperties, InstructionsThatNeedManyPages) {
  expect_exercised(run_seeds(2'000'000, 60 * more, {.lines = 32, .processes = 3, .most_pages = 10}));
}
TEST(ExCacheProperties, SixtyFourLines) {
  run_seeds(3'000'000, 30 * more, {.lines = 64, .processes = 3, .steps = 120, .most_pages = 8});
}

TEST(ExCacheProperties, DISABLED_Replay) {
  const WorldOptions options{.lines = static_cast<std::uint32_t>(number("LINES", 8)),
                             .processes = static_cast<unsigned>(number("PROCESSES", 2)),
                             .steps = static_cast<unsigned>(number("STEPS", 60)),
                             .most_pages = static_cast<unsigned>(number("PAGES", 2))};
  run_seeds(number("SEED", 1), number("COUNT", 1), options);
}

}  // namespace
}  // namespace excache

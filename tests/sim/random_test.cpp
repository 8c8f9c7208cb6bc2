// SPDX-License-Identifier: Apache-2.0
// Random programs on a whole rack: after every step, a load gives what was stored last; at the end nothing is lost and
// nothing is left.
#include <gtest/gtest.h>

#include "tests/sim/random_program.h"
#include "tests/sim/report.h"
#include "tests/sim/run.h"

namespace sim {
namespace {

RunCounters run_random(std::uint64_t seed, unsigned steps, Network network) {
  base::Random random(seed * 77 + 5);
  RunOptions options;
  options.rack = {.seed = seed,
                  .network = network,
                  .lines = static_cast<std::uint32_t>(32 + random.below(3) * 24),
                  .memories = static_cast<unsigned>(1 + random.below(2))};
  options.files = random.below(2) == 0 ? 2 : 0;
  if (random.below(4) == 0) options.kill_after_ns = random.below(200 * base::millisecond_ns);
  return run_program(options, random_program({.steps = steps}));
}

void run_seeds(std::uint64_t default_seeds, unsigned default_steps, Network network) {
  const Parameters parameters = Parameters::read(default_seeds, default_steps);
  RunCounters sum;
  for (std::uint64_t i = 0; i < parameters.seeds; ++i) {
    const RunCounters counters = run_random(parameters.first_seed + i, parameters.steps, network);
    sum.loads += counters.loads;
    sum.stores += counters.stores;
    sum.changes += counters.changes;
    sum.processes += counters.processes;
    sum.excache.evictions += counters.excache.evictions;
    sum.excache.remote_fills += counters.excache.remote_fills;
    sum.excache.cow_faults += counters.excache.cow_faults;
  }
  std::printf("%llu processes, %llu loads, %llu stores, %llu changes, %llu evictions, %llu fills, %llu copies\n",
              static_cast<unsigned long long>(sum.processes), static_cast<unsigned long long>(sum.loads),
              static_cast<unsigned long long>(sum.stores), static_cast<unsigned long long>(sum.changes),
              static_cast<unsigned long long>(sum.excache.evictions),
              static_cast<unsigned long long>(sum.excache.remote_fills),
              static_cast<unsigned long long>(sum.excache.cow_faults));
  if (parameters.one_seed) return;
  EXPECT_GT(sum.excache.evictions, 0u);
  EXPECT_GT(sum.excache.remote_fills, 0u);
  EXPECT_GT(sum.excache.cow_faults, 0u);
}

TEST(RandomPrograms, ReadWhatWasWrittenLastAndLeaveNothing) { run_seeds(50, 60, Network::Loopback); }

TEST(RandomPrograms, ReadWhatWasWrittenLastOverABadWire) { run_seeds(15, 40, Network::BadWire); }

}  // namespace
}  // namespace sim

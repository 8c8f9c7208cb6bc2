// SPDX-License-Identifier: Apache-2.0
// What a failing run says: its name and seed, how to replay it, and the last steps. Also when the failure is an
// assertion of production code or a sanitizer's find.
#pragma once

#include <cstdint>
#include <string>

namespace sim {

// Parameters of a run, from the environment.
//   LEGO_SIM_SEED=n    only this seed
//   LEGO_SIM_SEEDS=n   so many seeds of each test
//   LEGO_SIM_STEPS=n   steps of each process
//   LEGO_SIM_TRACE=1   every step as it happens
struct Parameters {
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 0;
  unsigned steps = 0;
  bool one_seed = false;
  // What is not set is as the test would have it.
  static Parameters read(std::uint64_t default_seeds, unsigned default_steps);
};

void begin_run(std::uint64_t seed);
[[gnu::format(printf, 1, 2)]] void trace(const char* format, ...);
[[noreturn]] void fail(const std::string& what);
inline void require(bool condition, const char* what) {
  if (!condition) fail(what);
}

}  // namespace sim

// SPDX-License-Identifier: Apache-2.0
// See report.h.
#include "tests/sim/report.h"

#include <gtest/gtest.h>
#include <sanitizer/common_interface_defs.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

// Racks are made and freed by the thousand: no deep backtrace of each allocation.
extern "C" const char* __asan_default_options();
const char* __asan_default_options() { return "malloc_context_size=6:quarantine_size_mb=64"; }

namespace sim {
namespace {

constexpr std::size_t kept_steps = 80;

struct Report {
  std::uint64_t seed = 0;
  std::array<std::array<char, 160>, kept_steps> steps{};
  std::size_t step_count = 0;
  bool loud = false;
  bool printed = false;
};
Report report;

void print() {
  if (report.printed || report.seed == 0) return;
  report.printed = true;
  const std::size_t first = report.step_count > kept_steps ? report.step_count - kept_steps : 0;
  for (std::size_t i = first; i < report.step_count; ++i)
    std::fprintf(stderr, "  %6zu  %s\n", i, report.steps[i % kept_steps].data());
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  const std::string name = test == nullptr ? "*" : std::string(test->test_suite_name()) + "." + test->name();
  std::fprintf(stderr, "seed %llu of %s; again: LEGO_SIM_SEED=%llu sim_test --gtest_filter='%s'\n",
               static_cast<unsigned long long>(report.seed), name.c_str(), static_cast<unsigned long long>(report.seed),
               name.c_str());
}

void on_abort(int) {
  print();
  std::signal(SIGABRT, SIG_DFL);
  std::raise(SIGABRT);
}

std::uint64_t number(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

Parameters Parameters::read(std::uint64_t default_seeds, unsigned default_steps) {
  Parameters result;
  const std::uint64_t only = number("LEGO_SIM_SEED", 0);
  result.one_seed = only != 0;
  result.first_seed = only == 0 ? 1 : only;
  result.seeds = only == 0 ? number("LEGO_SIM_SEEDS", default_seeds) : 1;
  result.steps = static_cast<unsigned>(number("LEGO_SIM_STEPS", default_steps));
  return result;
}

void begin_run(std::uint64_t seed) {
  static const bool installed = [] {
    std::signal(SIGABRT, on_abort);
    __sanitizer_set_death_callback(print);
    return true;
  }();
  (void)installed;
  report.seed = seed;
  report.step_count = 0;
  report.loud = number("LEGO_SIM_TRACE", 0) != 0;
}

void trace(const char* format, ...) {
  auto& step = report.steps[report.step_count++ % kept_steps];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(step.data(), step.size(), format, arguments);
  va_end(arguments);
  if (report.loud) std::fprintf(stderr, "  %s\n", step.data());
}

void fail(const std::string& what) {
  trace("FAILED: %s", what.c_str());
  std::abort();
}

}  // namespace sim

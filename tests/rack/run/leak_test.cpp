// SPDX-License-Identifier: Apache-2.0
// What processes, programs, threads, files, descriptors, mappings and signals took is given back when they end: on no
// component does anything grow with how many there were (tests/rack/programs/made_and_ended). Frames of kernels are
// compared too: the heap gives empty slabs back, so a byte lost for each process shows after a few hundred.
#include <gtest/gtest.h>
#include <stdlib.h>

#include "tests/rack/run/counts.h"
#include "tests/rack/run/rack_run.h"

namespace {

using harness::RackRun;
using harness::Words;

nlohmann::json stats_after(const Words& options, const std::string& what, unsigned times) {
  Words all{"--file", std::string(GUEST_PROGRAMS) + "/made_and_ended=/program"};
  all.insert(all.end(), options.begin(), options.end());
  RackRun rack(all, {"/program", what, std::to_string(times)});
  rack.close_input();
  const harness::Ended ended = rack.wait(1500);
  EXPECT_EQ(ended.status, 0) << ended.error << ended.out;
  EXPECT_EQ(harness::complaints(rack.folder()), "");
  return rack.stats();
}

void expect_no_growth(const Words& options, const std::string& what, unsigned times) {
  const nlohmann::json few = stats_after(options, what, 20), many = stats_after(options, what, times);
  EXPECT_EQ(harness::what_is_left(few), harness::what_is_left(many));
  // A few slabs and tables of pages may be kept as they were at the busiest moment.
  constexpr std::int64_t kept = 16;
  for (const char* component : {"p0", "m0", "s0"})
    EXPECT_LE(harness::kernel_frames(many, component), harness::kernel_frames(few, component) + kept) << component;
}

// `lego test full` asks for 20 times as much: 10,000 processes.
unsigned scale() {
  const char* asked = getenv("LEGO_LEAK_SCALE");
  return asked != nullptr ? static_cast<unsigned>(atoi(asked)) : 1;
}

TEST(Leaks, NothingGrowsWithWhatEnded) { expect_no_growth({}, "all", 100 * scale()); }
TEST(Leaks, NothingGrowsWithProcesses) {
  expect_no_growth({"--cpus", "2", "--excache", "4M"}, "processes", 500 * scale());
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
// No call with any arguments crashes or hangs a component: random calls, code, signal frames and executable files by
// several threads and processes at once (tests/rack/programs/call_fuzzer), then a program that must still run, and
// nothing that must still be there. What a seed does follows from it but for the order of threads.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <vector>

#include "tests/rack/run/counts.h"
#include "tests/rack/run/rack_run.h"

namespace {

using harness::Ended;
using harness::RackRun;
using harness::Words;

struct Case {
  std::string name;
  Words options;
  unsigned seed;
};

class CallFuzz : public testing::TestWithParam<Case> {};

// `lego test full` asks for more rounds, and for all kinds of racks.
const char* asked_rounds() { return getenv("LEGO_FUZZ_ROUNDS"); }
std::string rounds() { return asked_rounds() != nullptr ? asked_rounds() : "25"; }

std::vector<Case> cases() {
  std::vector<Case> all{{"one_core", {}, 1}};
  if (asked_rounds() == nullptr) return all;
  all.push_back({"two_cores", {"--cpus", "2", "--excache", "4M"}, 1000});
  all.push_back({"bad_wire", {"--cpus", "2", "--excache", "1M", "--faults", "drop=1%,reorder=3%,seed=5"}, 2000});
  return all;
}

TEST_P(CallFuzz, LeavesAWorkingRack) {
  Words options{"--file", std::string(GUEST_PROGRAMS) + "/call_fuzzer=/fuzzer", "--env", "FUZZ_TALK=1"};
  options.insert(options.end(), GetParam().options.begin(), GetParam().options.end());
  RackRun rack(options, {"/fuzzer", std::to_string(GetParam().seed), rounds(), "500", "/bin/busybox", "sh", "-c",
                         "echo alive | busybox tr a-z A-Z; busybox ls /proc/self/fd | busybox wc -l"});
  rack.close_input();
  const Ended ended = rack.wait(1500);
  EXPECT_EQ(ended.status, 0) << ended.error << ended.out;  // the last "round" printed is the one to look at
  EXPECT_TRUE(ended.out.ends_with("calls were made\nALIVE\n4\n")) << ended.out;
  EXPECT_EQ(ended.error, "");
  EXPECT_EQ(harness::complaints(rack.folder()), "");
  RackRun idle({}, {"busybox", "true"});
  idle.close_input();
  ASSERT_EQ(idle.wait().status, 0);
  EXPECT_EQ(harness::what_is_left(rack.stats()), harness::what_is_left(idle.stats()));
}

INSTANTIATE_TEST_SUITE_P(Seeds, CallFuzz, testing::ValuesIn(cases()), [](const auto& each) { return each.param.name; });

}  // namespace

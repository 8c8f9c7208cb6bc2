// SPDX-License-Identifier: Apache-2.0
// What happens when something is killed: the run ends within seconds, says what failed, and leaves nothing running.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "tests/rack/run/rack_run.h"

namespace {

using harness::Ended;
using harness::RackRun;
using Clock = std::chrono::steady_clock;

class Death : public testing::TestWithParam<const char*> {};

void expect_nothing_left(const std::map<std::string, pid_t>& processes) {
  const auto deadline = Clock::now() + std::chrono::seconds(5);
  for (const auto& [name, pid] : processes) {
    while (harness::is_alive(pid) && Clock::now() < deadline) usleep(20'000);
    EXPECT_FALSE(harness::is_alive(pid)) << name;
  }
}

TEST_P(Death, EndsTheRun) {
  const std::string victim = GetParam();
  RackRun rack({}, {"busybox", "sh", "-c", "echo ready; while true; do busybox seq 1 1000 > /tmp/x; done"});
  ASSERT_TRUE(rack.wait_for("ready"));
  const auto processes = rack.processes();
  ASSERT_EQ(processes.size(), 6u);
  ASSERT_TRUE(processes.contains(victim));
  const auto killed_at = Clock::now();
  kill(processes.at(victim), SIGKILL);
  const Ended ended = rack.wait(60);
  EXPECT_LT(Clock::now() - killed_at, std::chrono::seconds(5));
  EXPECT_EQ(ended.status, 125);
  EXPECT_EQ(std::count(ended.error.begin(), ended.error.end(), '\n'), 1) << ended.error;
  EXPECT_NE(ended.error.find(victim), std::string::npos) << ended.error;
  EXPECT_NE(ended.error.find("logs: "), std::string::npos) << ended.error;
  expect_nothing_left(processes);
}
INSTANTIATE_TEST_SUITE_P(OfA, Death, testing::Values("p0", "m0", "s0", "gmm", "switch", "guardian"));

TEST(DeathOfLego, TakesAllWithIt) {
  RackRun rack({}, {"busybox", "sh", "-c", "echo ready; while true; do busybox seq 1 1000 > /tmp/x; done"});
  ASSERT_TRUE(rack.wait_for("ready"));
  const auto processes = rack.processes();
  ASSERT_EQ(processes.size(), 6u);
  kill(rack.lego(), SIGKILL);
  EXPECT_EQ(rack.wait(60).status, 137);
  expect_nothing_left(processes);
}

TEST(DeathOfLego, SignalsGoToTheProgramOrEndTheRack) {
  RackRun rack({}, {"busybox", "sh", "-c", "trap 'echo interrupted' INT; echo ready; while true; do busybox sleep 0.1; done"});
  ASSERT_TRUE(rack.wait_for("ready"));
  kill(rack.lego(), SIGINT);
  EXPECT_TRUE(rack.wait_for("interrupted"));
  const auto processes = rack.processes();
  kill(rack.lego(), SIGTERM);
  EXPECT_NE(rack.wait(60).status, 0);
  expect_nothing_left(processes);
}

}  // namespace

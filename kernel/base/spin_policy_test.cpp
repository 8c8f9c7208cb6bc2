// SPDX-License-Identifier: Apache-2.0
// When an idle core spins.
#include "kernel/base/spin_policy.h"

#include <gtest/gtest.h>

namespace base {
namespace {

constexpr std::uint64_t longest_ns = 50 * microsecond_ns;

struct SpinPolicyTest : testing::Test {
  // One wait that is answered after so long; returns for how long the core spun.
  std::uint64_t wait(std::uint64_t answer_ns) {
    const std::uint64_t since = now;
    const std::uint64_t end = now + answer_ns;
    std::uint64_t spun_until = now;
    for (; now < end; now += microsecond_ns) {
      if (policy.spin(since, now)) spun_until = now;
    }
    (void)policy.spin(0, now);
    now += 100 * microsecond_ns;
    return spun_until - since;
  }
  unsigned waits_with_spinning(unsigned count, std::uint64_t answer_ns) {
    unsigned spun = 0;
    for (unsigned i = 0; i < count; ++i) spun += wait(answer_ns) > 0;
    return spun;
  }
  SpinPolicy policy{longest_ns};
  std::uint64_t now = 1000;
};

TEST_F(SpinPolicyTest, SpinsWhileAnswersAreFast) { EXPECT_EQ(waits_with_spinning(100, 30 * microsecond_ns), 100u); }

TEST_F(SpinPolicyTest, NeverSpinsWhenNothingIsWaitedFor) {
  for (; now < 1000000; now += 1000) EXPECT_FALSE(policy.spin(0, now));
}

TEST_F(SpinPolicyTest, NeverSpinsForLong) { EXPECT_LE(wait(1000 * microsecond_ns), longest_ns); }

TEST_F(SpinPolicyTest, GivesUpWhereItDoesNotPayAndComesBackWhenItDoes) {
  waits_with_spinning(20, 500 * microsecond_ns);
  EXPECT_LE(waits_with_spinning(160, 500 * microsecond_ns), 10u);
  waits_with_spinning(160, 20 * microsecond_ns);
  EXPECT_EQ(waits_with_spinning(50, 20 * microsecond_ns), 50u);
}

}  // namespace
}  // namespace base

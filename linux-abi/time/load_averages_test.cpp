// SPDX-License-Identifier: Apache-2.0
// Load averages: how fast they rise and fall.
#include "linux-abi/time/load_averages.h"

#include <gtest/gtest.h>

namespace {

using linux_abi::LoadAverages;

constexpr std::uint64_t one = std::uint64_t{1} << LoadAverages::fraction_bits;

struct LoadAveragesTest : testing::Test {
  // So long with so many, looked at once a second.
  void pass(unsigned seconds, std::uint32_t runnable) {
    for (unsigned i = 0; i < seconds; ++i) averages.sample(now_ns += base::second_ns, runnable);
  }
  double average(std::size_t which) const {
    return static_cast<double>(averages.averages()[which]) / static_cast<double>(one);
  }
  LoadAverages averages;
  std::uint64_t now_ns = 0;
};

TEST_F(LoadAveragesTest, RiseToTwoThirdsInTheirTime) {
  pass(60, 1);
  EXPECT_NEAR(average(0), 0.632, 0.05);
  EXPECT_NEAR(average(1), 0.181, 0.03);
  EXPECT_NEAR(average(2), 0.064, 0.02);
}

TEST_F(LoadAveragesTest, ReachTheLoadAndFallToNothing) {
  pass(4 * 3600, 3);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(average(i), 3, 0.01);
  pass(4 * 3600, 0);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(average(i), 0, 0.01);
}

TEST_F(LoadAveragesTest, ALateSampleCountsForAllOfItsTime) {
  LoadAverages other;
  other.sample(5 * base::second_ns, 0);
  averages.sample(5 * base::second_ns, 0);
  for (unsigned i = 2; i <= 13; ++i) averages.sample(i * 5 * base::second_ns, 2);
  other.sample(65 * base::second_ns, 2);
  EXPECT_EQ(averages.averages(), other.averages());
}

TEST_F(LoadAveragesTest, AVeryLongTimeEnds) {
  averages.sample(base::never_ns - 1, 1);
  EXPECT_NEAR(average(2), 1, 0.01);
}

}  // namespace

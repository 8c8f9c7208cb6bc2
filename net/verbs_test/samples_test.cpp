// SPDX-License-Identifier: Apache-2.0
#include "net/verbs_test/samples.h"

#include <gtest/gtest.h>

#include <array>

namespace verbs_test {
namespace {

TEST(Samples, TellLeastMedianAndPercentile) {
  std::array<std::uint32_t, 200> memory{};
  Samples samples(memory);
  EXPECT_EQ(samples.times().median_ns, 0u);
  for (std::uint64_t i = 0; i < 200; ++i) samples.add(1000 + (i * 7) % 200);
  const Times times = samples.times();
  EXPECT_EQ(times.least_ns, 1000u);
  EXPECT_EQ(times.median_ns, 1100u);
  EXPECT_EQ(times.p99_ns, 1197u);
}

TEST(Samples, KeepWhatThereIsRoomFor) {
  std::array<std::uint32_t, 2> memory{};
  Samples samples(memory);
  samples.add(std::uint64_t{1} << 40);
  samples.add(5);
  samples.add(1);
  EXPECT_EQ(samples.count(), 2u);
  EXPECT_EQ(samples.times().least_ns, 5u);
  EXPECT_EQ(samples.times().p99_ns, 5u);
  EXPECT_EQ(samples.times().median_ns, UINT32_MAX);
}

}  // namespace
}  // namespace verbs_test

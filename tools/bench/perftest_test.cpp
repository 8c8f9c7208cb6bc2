// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/perftest.h"

#include <gtest/gtest.h>

namespace bench {
namespace {

TEST(Perftest, ReadsLatencies) {
  const std::string output =
      "---------------------------------------------------------------------------------------\n"
      " #bytes #iterations    t_min[usec]    t_max[usec]  t_typical[usec]    t_avg[usec]    t_stdev[usec]   99% "
      "percentile[usec]   99.9% percentile[usec] \n"
      " 64      1000          207.35         9121.02      276.10     \t       301.55      \t 90.12\t\t1201.00 "
      "\t\t9121.02 "
      "\n";
  const auto found = parse_perftest({Quantity::Latency, Operation::Send, 64}, output);
  ASSERT_TRUE(found);
  EXPECT_DOUBLE_EQ(found->least, 207.35);
  EXPECT_DOUBLE_EQ(found->median, 276.10);
  EXPECT_DOUBLE_EQ(found->p99, 1201);
  EXPECT_FALSE(parse_perftest({Quantity::Latency, Operation::Send, 4096}, output));
  EXPECT_FALSE(parse_perftest({Quantity::Latency, Operation::Send, 64}, "Couldn't connect to 10.77.8.1:18515\n"));
}

TEST(Perftest, ReadsALineWhoseDeviationIsNoNumber) {
  const auto found =
      parse_perftest({Quantity::Latency, Operation::Read, 64},
                     " 64      1000          218.80         80083.01      298.83   \t       519.32      \t"
                     "-nan   \t\t4586.02 \t\t80083.01\n");
  ASSERT_TRUE(found);
  EXPECT_DOUBLE_EQ(found->median, 298.83);
}

TEST(Perftest, ReadsBandwidths) {
  const std::string output =
      " #bytes     #iterations    BW peak[MB/sec]    BW average[MB/sec]   MsgRate[Mpps]\n"
      " 4096       2000             0.00               8.53   \t\t   0.002184\n";
  const auto found = parse_perftest({Quantity::Bandwidth, Operation::Read, 4096}, output);
  ASSERT_TRUE(found);
  EXPECT_DOUBLE_EQ(found->median, 8.53);
}

TEST(Perftest, AsksForTheSameAsWeDo) {
  const Effort effort{.latency_iterations = 10, .bandwidth_iterations = 20, .depth = 3};
  EXPECT_EQ(perftest_command({Quantity::Latency, Operation::Send, 64}, effort),
            "ib_send_lat -d rxe0 -x 1 -F -m 4096 -s 64 -n 10");
  EXPECT_EQ(perftest_command({Quantity::Bandwidth, Operation::Read, 4096}, effort),
            "ib_read_bw -d rxe0 -x 1 -F -m 4096 -s 4096 -n 20 -t 3 -Q 1");
}

}  // namespace
}  // namespace bench

// SPDX-License-Identifier: Apache-2.0
#include "tests/interop/verbs_peer/exchange.h"

#include <gtest/gtest.h>

#include <cstring>

namespace verbs_peer {
namespace {

verbs_test::EndPoint example() {
  verbs_test::EndPoint end;
  end.gid = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 77, 8, 1};
  end.qpn = 0x11;
  end.psn = 0xabcdef;
  end.rkey = 0x8899;
  end.reads = 16;
  end.address = 0x7f0011223344;
  return end;
}

TEST(Exchange, WritesAndReadsPerftestKeys) {
  const std::string message = format_perftest_keys(example());
  EXPECT_EQ(message, std::string("0000:0010:000011:abcdef:00008899:00007f0011223344:"
                                 "00:00:00:00:00:00:00:00:00:00:ff:ff:0a:4d:08:01:00000000:") +
                         '\0');
  const auto read = parse_perftest_keys(message);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->gid, example().gid);
  EXPECT_EQ(read->address, example().address);
  EXPECT_EQ(read->qpn, 0x11u);
  EXPECT_FALSE(parse_perftest_keys(message.substr(1)));
  std::string damaged = message;
  damaged[3] = 'x';
  EXPECT_FALSE(parse_perftest_keys(damaged));
}

TEST(Exchange, WritesAndReadsPingpongKeys) {
  const std::string message = format_pingpong_keys(example());
  EXPECT_EQ(message, std::string("0000:000011:abcdef:00000000000000000000ffff0a4d0801") + '\0');
  const auto read = parse_pingpong_keys(message);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->gid, example().gid);
  EXPECT_EQ(read->psn, 0xabcdefu);
  std::string damaged = message;
  damaged[30] = '-';
  EXPECT_FALSE(parse_pingpong_keys(damaged));
  EXPECT_FALSE(parse_pingpong_keys("short"));
}

TEST(Exchange, CodesThePathMtu) {
  EXPECT_EQ(format_perftest_mtu(1024), std::string("3\0", 2));
  EXPECT_EQ(format_perftest_mtu(4096), std::string("5\0", 2));
}

}  // namespace
}  // namespace verbs_peer

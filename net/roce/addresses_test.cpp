// SPDX-License-Identifier: Apache-2.0
#include "net/roce/addresses.h"

#include <gtest/gtest.h>

namespace roce {
namespace {

TEST(Addresses, Ipv4) {
  EXPECT_EQ(parse_ipv4("10.77.0.1"), 0x0a4d0001u);
  EXPECT_EQ(parse_ipv4("255.255.255.255"), 0xffffffffu);
  for (const char* bad : {"", "10.77.0", "10.77.0.256", "10.77.0.0001", "x", "10..0.1", "10.77.0.1.", "10.77.0.-1",
                          "+1.2.3.4", "10.77.0.1 ", "::1", "0.0.0.0", "10.77.0.1/16"})
    EXPECT_FALSE(parse_ipv4(bad)) << bad;
}

TEST(Addresses, Networks) {
  EXPECT_EQ(parse_network("10.77.2.9/16")->address, 0x0a4d0209u);
  EXPECT_EQ(parse_network("10.77.2.9/16")->prefix_length, 16);
  EXPECT_EQ(parse_network("10.77.2.9")->prefix_length, 24);
  EXPECT_EQ(parse_network("10.77.2.9/0")->prefix_length, 0);
  for (const char* bad : {"", "10.77.0.1/33", "10.77.0.1/", "10.77.0.1/1x", "10.77.0.1/016", "10.77.0.1/-1", "/16"})
    EXPECT_FALSE(parse_network(bad)) << bad;
}

TEST(Addresses, Mac) {
  EXPECT_EQ(parse_mac("52:54:4c:47:0a:FF"), (MacAddress{{0x52, 0x54, 0x4c, 0x47, 0x0a, 0xff}}));
  for (const char* bad : {"", "52:54:4c:47:0a", "52:54:4c:47:0a:fg", "52-54-4c-47-0a-ff", "52:54:4c:47:0a:ff:",
                          "52:54:4c:47:0a:f", "2:54:4c:47:0a:ff", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff"})
    EXPECT_FALSE(parse_mac(bad)) << bad;
}

}  // namespace
}  // namespace roce

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/linux_node/linux_node.h"

namespace linux_node {
namespace {

TEST(Parse, Ipv4Addresses) {
  EXPECT_EQ(parse_ipv4("10.77.0.1"), 0x0a4d0001u);
  std::uint8_t prefix = 24;
  EXPECT_EQ(parse_ipv4("10.77.2.9/16", &prefix), 0x0a4d0209u);
  EXPECT_EQ(prefix, 16);
  for (const char* bad : {"", "10.77.0", "10.77.0.256", "x", "10.77.0.1/33", "10.77.0.1/", "10.77.0.1/1x", "::1"}) {
    EXPECT_FALSE(parse_ipv4(bad, &prefix)) << bad;
  }
  EXPECT_FALSE(parse_ipv4("10.77.0.1/16"));
}

TEST(Parse, MacAddresses) {
  EXPECT_EQ(parse_mac("52:54:4c:47:0a:FF"), (roce::MacAddress{{0x52, 0x54, 0x4c, 0x47, 0x0a, 0xff}}));
  for (const char* bad : {"", "52:54:4c:47:0a", "52:54:4c:47:0a:fg", "52-54-4c-47-0a-ff", "52:54:4c:47:0a:ff:"}) {
    EXPECT_FALSE(parse_mac(bad)) << bad;
  }
}

TEST(Parse, KeyFiles) {
  EXPECT_EQ(read_key_file("/nonexistent").error(), base::Error::NotFound);
  char path[] = "/tmp/key_test.XXXXXX";
  const int fd = mkstemp(path);
  EXPECT_FALSE(read_key_file(path));
  ASSERT_EQ(write(fd, "0123456789abcdef\n", 17), 17);
  const auto key = read_key_file(path);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->bytes().size(), 16u);
  close(fd);
  unlink(path);
}

TEST(GetRandom, GivesDifferentNumbers) {
  GetRandom random;
  EXPECT_NE(random.number(), random.number());
}

}  // namespace
}  // namespace linux_node

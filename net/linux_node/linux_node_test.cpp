// SPDX-License-Identifier: Apache-2.0
#include "net/linux_node/linux_node.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

namespace linux_node {
namespace {

TEST(KeyFile, IsReadWhole) {
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

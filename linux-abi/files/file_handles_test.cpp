// SPDX-License-Identifier: Apache-2.0
// Marks of file handles, against SipHash's published vector.
#include "linux-abi/files/file_handles.h"

#include <gtest/gtest.h>

namespace {

using linux_abi::handle_mark;
using linux_abi::HandleKey;

// The key and the message are the bytes 0, 1, 2...; the value is that of the reference implementation.
TEST(FileHandles, TheMarkIsSipHash) {
  const HandleKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  EXPECT_EQ(handle_mark(key, 0x0706050403020100, 0x0f0e0d0c0b0a0908), 0x3f2acc7f57c29bdbu);
}

TEST(FileHandles, EveryPartCounts) {
  const HandleKey key{1, 2};
  const std::uint64_t mark = handle_mark(key, 3, 4);
  EXPECT_NE(mark, handle_mark(key, 4, 3));
  EXPECT_NE(mark, handle_mark(key, 3, 5));
  EXPECT_NE(mark, handle_mark({1, 3}, 3, 4));
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
#include "kernel/base/endian.h"

#include <gtest/gtest.h>

namespace {

TEST(Endian, StoresBigEndianBytesInOrder) {
  const base::be32 value = 0x01020304u;
  unsigned char bytes[4];
  std::memcpy(bytes, &value, 4);
  EXPECT_EQ(bytes[0], 1);
  EXPECT_EQ(bytes[3], 4);
  EXPECT_EQ(value, 0x01020304u);
}

TEST(Endian, StoresLittleEndianBytesReversed) {
  base::le64 value;
  value = 0x0102030405060708u;
  unsigned char bytes[8];
  std::memcpy(bytes, &value, 8);
  EXPECT_EQ(bytes[0], 8);
  EXPECT_EQ(bytes[7], 1);
}

}  // namespace

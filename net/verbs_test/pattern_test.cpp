// SPDX-License-Identifier: Apache-2.0
#include "net/verbs_test/pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace verbs_test {
namespace {

TEST(Pattern, IsTheSameInPieces) {
  std::vector<std::byte> whole(1000), pieces(1000);
  fill_pattern(whole, 7, 3);
  std::size_t done = 0;
  for (std::size_t length = 1; done < pieces.size(); ++length) {
    const std::size_t count = std::min(length, pieces.size() - done);
    fill_pattern(std::span(pieces).subspan(done, count), 7, 3 + done);
    done += count;
  }
  EXPECT_EQ(whole, pieces);
  EXPECT_EQ(count_mismatches(whole, 7, 3), 0u);
}

TEST(Pattern, SeesDamageSeedAndPlace) {
  std::vector<std::byte> bytes(4096);
  fill_pattern(bytes, 1);
  bytes[5] ^= std::byte{1};
  bytes[4095] ^= std::byte{0x80};
  EXPECT_EQ(count_mismatches(bytes, 1), 2u);
  EXPECT_GT(count_mismatches(bytes, 2), 4000u);
  EXPECT_GT(count_mismatches(bytes, 1, 8), 4000u);
}

}  // namespace
}  // namespace verbs_test

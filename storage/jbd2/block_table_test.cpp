// SPDX-License-Identifier: Apache-2.0
// The table of blocks against a map.
#include "storage/jbd2/block_table.h"

#include <gtest/gtest.h>

#include <map>

#include "kernel/base/random.h"

namespace jbd2 {
namespace {

TEST(BlockTable, AgreesWithAMap) {
  base::Random random(1);
  BlockTable<int> table;
  std::map<std::uint64_t, int> model;
  for (int i = 0; i < 20'000; ++i) {
    // Few numbers, and of a kind that collides: neighbours, and multiples of large powers of two.
    const std::uint64_t block = random.below(200) << (random.chance(300'000) ? 40 : 0);
    if (random.chance(500'000)) {
      ASSERT_TRUE(table.reserve(table.size() + 1));
      table.put(block, i);
      model[block] = i;
    } else {
      table.remove(block);
      model.erase(block);
    }
    ASSERT_EQ(table.size(), model.size());
    ASSERT_EQ(table.contains(block), model.contains(block));
  }
  std::map<std::uint64_t, int> seen;
  table.for_each([&](std::uint64_t block, int value) { seen[block] = value; });
  EXPECT_EQ(seen, model);
  table.clear();
  EXPECT_FALSE(table.contains(3));
  EXPECT_EQ(table.size(), 0u);
}

}  // namespace
}  // namespace jbd2

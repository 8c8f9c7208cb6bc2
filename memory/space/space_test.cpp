// SPDX-License-Identifier: Apache-2.0
#include "memory/space/space.h"

#include <gtest/gtest.h>

#include <vector>

namespace {

using base::page_bytes;
using base::UserVa;
using base::VNodeId;
using base::vregion_bytes;
using memory::Space;
using memory::SpaceRole;

class SpaceTest : public testing::Test {
 protected:
  SpaceTest() : memory_(64 * page_bytes) { EXPECT_TRUE(store_.add_slab(memory_.data(), 64, 1)); }
  std::vector<std::uint64_t> unowned(const Space& space, std::uint64_t address, std::uint64_t bytes) {
    base::Array<std::uint64_t> result;
    EXPECT_TRUE(space.unowned_vregions(address, bytes, 4, result));
    return {result.begin(), result.end()};
  }
  std::vector<std::byte> memory_;
  memory::FrameStore store_;
};

TEST_F(SpaceTest, FindsTheVRegionsWithoutAnOwner) {
  Space space(1, VNodeId(1), SpaceRole::Home, store_);
  ASSERT_TRUE(space.add_owner({.index = 6u, .node = 2u}));
  ASSERT_TRUE(space.add_owner({.index = 4u, .node = 3u}));
  EXPECT_EQ(space.owner_of(4)->node, 3u);
  EXPECT_EQ(space.owner_of(5), nullptr);
  EXPECT_EQ(unowned(space, 3 * vregion_bytes + 5 * page_bytes, page_bytes), std::vector<std::uint64_t>{3});
  EXPECT_EQ(unowned(space, 4 * vregion_bytes - page_bytes, 2 * vregion_bytes), (std::vector<std::uint64_t>{3, 5}));
  EXPECT_TRUE(unowned(space, 0, 100 * vregion_bytes).empty());
  EXPECT_TRUE(unowned(space, 8 * vregion_bytes, 5 * vregion_bytes).empty());
}

TEST_F(SpaceTest, ForksShareEverythingAndLeaveNothing) {
  {
    Space parent(1, VNodeId(1), SpaceRole::Home, store_), child(2, VNodeId(1), SpaceRole::Home, store_);
    const vma::Range range = vma::Range::of(UserVa(0x100000), 4 * page_bytes);
    ASSERT_TRUE(parent.vmas.map({.range = range, .protection = vma::Protection::Read}));
    ASSERT_TRUE(parent.add_owner({.index = 0u, .node = 2u}));
    ASSERT_TRUE(parent.pages.prepare(0x101));
    parent.pages.set(0x101, *store_.allocate(memory::FrameUse::Anonymous, memory::Claim::Ordinary));
    ASSERT_TRUE(parent.fork_into(child));
    EXPECT_EQ(child.vmas.count(), 1u);
    EXPECT_EQ(child.vmas.version(), parent.vmas.version());
    EXPECT_EQ(child.pages.find(0x101), parent.pages.find(0x101));
    EXPECT_NE(child.owner_of(0), nullptr);
    parent.discard(range);
    EXPECT_EQ(parent.pages.pages(), 0u);
    EXPECT_EQ(store_.anonymous(), 1u);
  }
  EXPECT_EQ(store_.free(), 64u);
}

}  // namespace

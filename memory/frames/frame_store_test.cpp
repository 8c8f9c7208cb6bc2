// SPDX-License-Identifier: Apache-2.0
#include "memory/frames/frame_store.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernel/base/types.h"

namespace {

using memory::Claim;
using memory::FrameUse;

struct Slab {
  explicit Slab(std::uint32_t frames) : memory(frames * base::page_bytes) {}
  std::vector<std::byte> memory;
};

TEST(FrameStore, HandsOutEveryFrameOnceAndTakesItBack) {
  Slab slab(16), other(8);
  memory::FrameStore store;
  ASSERT_TRUE(store.add_slab(slab.memory.data(), 16, 7));
  ASSERT_TRUE(store.add_slab(other.memory.data(), 8, 9));
  std::vector<memory::FrameNumber> taken;
  for (int i = 0; i < 24; ++i) {
    taken.push_back(*store.allocate(FrameUse::Anonymous, Claim::Ordinary));
    store.data(taken.back())[0] = static_cast<std::byte>(i);
  }
  EXPECT_FALSE(store.allocate(FrameUse::Anonymous, Claim::Reserved));
  for (int i = 0; i < 24; ++i) EXPECT_EQ(store.data(taken[static_cast<std::size_t>(i)])[0], static_cast<std::byte>(i));
  EXPECT_EQ(store.anonymous(), 24u);
  for (const auto frame : taken) {
    EXPECT_EQ(store.lkey(frame),
              store.data(frame) < slab.memory.data() + slab.memory.size() && store.data(frame) >= slab.memory.data()
                  ? 7u
                  : 9u);
    store.release(frame);
  }
  EXPECT_EQ(store.free(), 24u);
  EXPECT_EQ(store.anonymous(), 0u);
  EXPECT_EQ(store.peak_used(), 24u);
}

TEST(FrameStore, KeepsTheReserveForWriteBacks) {
  Slab slab(4);
  memory::FrameStore store;
  ASSERT_TRUE(store.add_slab(slab.memory.data(), 4, 1));
  store.set_reserve(3);
  EXPECT_TRUE(store.allocate(FrameUse::PageCache, Claim::Ordinary));
  EXPECT_FALSE(store.allocate(FrameUse::PageCache, Claim::Ordinary));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(store.allocate(FrameUse::Anonymous, Claim::Reserved));
  EXPECT_EQ(store.allocate(FrameUse::Anonymous, Claim::Reserved).error(), base::Error::NoMemory);
}

TEST(FrameStore, SweepsFindUnusedCacheFramesOnly) {
  Slab slab(4);
  memory::FrameStore store;
  ASSERT_TRUE(store.add_slab(slab.memory.data(), 4, 1));
  EXPECT_EQ(store.next_cache_victim(), memory::no_frame);
  const auto anonymous = *store.allocate(FrameUse::Anonymous, Claim::Ordinary);
  const auto one = *store.allocate(FrameUse::PageCache, Claim::Ordinary);
  const auto other = *store.allocate(FrameUse::PageCache, Claim::Ordinary);
  const auto victim = store.next_cache_victim();
  EXPECT_TRUE(victim == one || victim == other);
  store.touch(victim);
  EXPECT_EQ(store.next_cache_victim(), victim == one ? other : one);
  store.retain(one);
  store.retain(other);
  EXPECT_EQ(store.next_cache_victim(), memory::no_frame);
  EXPECT_EQ(store.use(anonymous), FrameUse::Anonymous);
}

}  // namespace

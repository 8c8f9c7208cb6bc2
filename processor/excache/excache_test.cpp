// SPDX-License-Identifier: Apache-2.0
// The ExCache's promises one by one: which faults need a message, which do not, who waits for whom, what is shared.
#include "processor/excache/excache_fixture.h"

namespace excache {
namespace {

TEST_F(ExCacheTest, NewPagesNeedNoMessage) {
  start(32);
  for (std::uint64_t page = first; page < first + 8; ++page) EXPECT_EQ(load(*parent, page), 0u);
  EXPECT_EQ(cache->counters().zero_fills, 8u);
  EXPECT_EQ(cache->counters().faults, 8u);
  EXPECT_TRUE(home.idle());
  EXPECT_EQ(home.fetches, 0u);
}

TEST_F(ExCacheTest, AMissIsOneRoundTrip) {
  start(16);
  store(*parent, first, 42);
  evict_page(*parent, first);
  EXPECT_TRUE(home.has({1, first}));
  const std::uint64_t before = home.fetches;
  const std::uint64_t write_backs = home.write_backs;
  TestWaiter waiter;
  EXPECT_EQ(try_fault(*parent, first, Access::Read, waiter).kind, FaultKind::Wait);
  EXPECT_FALSE(waiter.woken);
  answer_all();
  EXPECT_TRUE(waiter.woken);
  EXPECT_EQ(try_fault(*parent, first, Access::Read, waiter).kind, FaultKind::Resolved);
  EXPECT_EQ(load(*parent, first), 42u);
  EXPECT_EQ(home.fetches, before + 1);
  EXPECT_EQ(home.write_backs, write_backs);  // the miss wrote nothing back
  EXPECT_EQ(cache->counters().remote_fills, 1u);
}

TEST_F(ExCacheTest, CleanLinesAreDroppedWithoutAMessage) {
  start(16);
  for (std::uint64_t page = first; page < first + 30; ++page) {
    EXPECT_EQ(load(*parent, page), 0u);
    evict_enough();
  }
  EXPECT_GT(cache->counters().evictions, 10u);
  EXPECT_EQ(home.write_backs, 0u);
  // Never written: made again, not fetched.
  EXPECT_EQ(load(*parent, first), 0u);
  EXPECT_EQ(home.fetches, 0u);
}

TEST_F(ExCacheTest, FaultsOnOnePageShareOneFill) {
  start(16);
  store(*parent, first, 7);
  evict_page(*parent, first);
  const std::uint64_t before = home.fetches;
  TestWaiter one, two;
  FaultContext other;
  EXPECT_EQ(try_fault(*parent, first, Access::Read, one).kind, FaultKind::Wait);
  EXPECT_EQ(cache->handle_fault(parent->space, {address_of(first)}, other, two).kind, FaultKind::Wait);
  answer_all();
  EXPECT_TRUE(one.woken && two.woken);
  EXPECT_EQ(try_fault(*parent, first, Access::Read, one).kind, FaultKind::Resolved);
  EXPECT_EQ(cache->handle_fault(parent->space, {address_of(first)}, other, two).kind, FaultKind::Resolved);
  EXPECT_EQ(home.fetches, before + 1);
  EXPECT_EQ(cache->counters().joined_fills, 1u);
  cache->forget(other);
}

TEST_F(ExCacheTest, RightsAreThoseOfTheVma) {
  start(32);
  map(*parent, first, 1, vma::Protection::Read);
  map(*parent, first + 1, 1, vma::Protection::Read | vma::Protection::Execute);
  map(*parent, first + 2, 1, vma::Protection::None);
  map(*parent, first + 3, 1, vma::Protection::Write);
  EXPECT_EQ(fault(*parent, first, Access::Write), FaultKind::NotPermitted);
  EXPECT_EQ(fault(*parent, first, Access::Execute), FaultKind::NotPermitted);
  EXPECT_EQ(fault(*parent, first, Access::Read), FaultKind::Resolved);
  EXPECT_EQ(fault(*parent, first + 1, Access::Execute), FaultKind::Resolved);
  EXPECT_EQ(fault(*parent, first + 2, Access::Read), FaultKind::NotPermitted);
  EXPECT_EQ(fault(*parent, first + 3, Access::Write), FaultKind::Resolved);
  EXPECT_EQ(fault(*parent, first - 1, Access::Read), FaultKind::NotMapped);
  EXPECT_FALSE(parent->table.read(address_of(first)).writable);
  EXPECT_FALSE(parent->table.read(address_of(first)).executable);
  EXPECT_TRUE(parent->table.read(address_of(first + 1)).executable);
  EXPECT_FALSE(parent->table.read(address_of(first + 1)).writable);
  EXPECT_TRUE(parent->table.read(address_of(first + 3)).writable);
}

TEST_F(ExCacheTest, StacksGrow) {
  start(16);
  map(*parent, first + 0x1000, 2, vma::Protection::Read | vma::Protection::Write, nullptr, vma::Flags::GrowsDown);
  EXPECT_EQ(fault(*parent, first + 0xfff, Access::Write), FaultKind::GrowStack);
  EXPECT_EQ(fault(*parent, first + 0x50, Access::Write), FaultKind::NotMapped);
}

TEST_F(ExCacheTest, ForkSharesLinesUntilSomebodyWrites) {
  start(16);
  store(*parent, first, 1);
  store(*parent, first + 1, 2);
  TestSpace& child = fork(*parent);
  EXPECT_EQ(bytes(child, first), bytes(*parent, first));
  EXPECT_FALSE(parent->table.read(address_of(first)).writable);
  EXPECT_EQ(load(child, first + 1), 2u);
  store(child, first, 10);
  EXPECT_EQ(cache->counters().cow_faults, 1u);
  EXPECT_EQ(load(*parent, first), 1u);
  // Nobody shares it any more: no copy.
  store(*parent, first, 3);
  EXPECT_EQ(cache->counters().cow_faults, 1u);
  EXPECT_EQ(load(child, first), 10u);
  EXPECT_TRUE(home.idle());
}

TEST_F(ExCacheTest, ASharedDirtyLineGoesHomeOnceForAllItsSharers) {
  start(16);
  store(*parent, first, 5);
  TestSpace& child = fork(*parent);
  evict_page(*parent, first);
  EXPECT_EQ(bytes(child, first), nullptr);
  EXPECT_TRUE(home.has({1, first}));
  EXPECT_TRUE(home.has({2, first}));
  EXPECT_EQ(load(child, first), 5u);
  EXPECT_EQ(load(*parent, first), 5u);
}

TEST_F(ExCacheTest, MoreSharersThanOneMessageNames) {
  start(16);
  store(*parent, first, 5);
  constexpr unsigned children = 300;
  for (unsigned i = 0; i < children; ++i) fork(*parent);
  const auto at_home = [&] {
    unsigned count = 0;
    for (unsigned i = 1; i <= children + 1; ++i) count += home.has({i, first}) ? 1 : 0;
    return count;
  };
  for (unsigned round = 0; round < 400 && at_home() < children + 1; ++round) {
    store(*parent, first + 20 + round % 40, 1);
    evict_enough();
  }
  EXPECT_EQ(at_home(), children + 1);
  EXPECT_EQ(load(spaces.back(), first), 5u);
}

TEST_F(ExCacheTest, ALineThatIsWrittenBackCanBeReadAndIsStoredToAfterwards) {
  start(16);
  store(*parent, first, 9);
  std::uint64_t other = first + 40;
  while (bytes(*parent, first) != nullptr) {
    store(*parent, other++, 1);
    while (cache->evict(false).progress) {
    }
  }
  ASSERT_FALSE(home.idle());
  TestWaiter waiter;
  ASSERT_EQ(try_fault(*parent, first, Access::Read, waiter).kind, FaultKind::Resolved);
  EXPECT_FALSE(parent->table.read(address_of(first)).writable);
  ASSERT_EQ(try_fault(*parent, first, Access::Write, waiter).kind, FaultKind::Wait);
  answer_all();
  EXPECT_TRUE(waiter.woken);
  ASSERT_EQ(try_fault(*parent, first, Access::Write, waiter).kind, FaultKind::Resolved);
  EXPECT_EQ(load(*parent, first), 9u);
}

}  // namespace
}  // namespace excache

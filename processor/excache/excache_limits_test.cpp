// SPDX-License-Identifier: Apache-2.0
// The ExCache where something runs short or ends: lines, frames, homes; files and their ends; prefetch; discarding.
#include "processor/excache/excache_fixture.h"

namespace excache {
namespace {

TEST_F(ExCacheTest, WithoutEvictorsFaultsWait) {
  start(16, false);
  std::uint64_t page = first;
  while (fault(*parent, page, Access::Write) == FaultKind::Resolved) ++page;
  EXPECT_GT(cache->counters().waits_for_line, 0u);
  EXPECT_EQ(cache->counters().evictions, 0u);
  EXPECT_FALSE(cache->evict(false).progress);
  // What is left is for faults inside the kernel.
  EXPECT_GT(cache->free_lines(), 0u);
  EXPECT_EQ(fault(*parent, page, Access::Write, true), FaultKind::Resolved);
}

TEST_F(ExCacheTest, AnEvictionByAFaultingThreadWouldBeCounted) {
  start(16);
  for (std::uint64_t page = first; page < first + 14; ++page) fault(*parent, page, Access::Read);
  while (cache->evict(true).progress) {
  }
  EXPECT_GT(cache->counters().evictions_by_faulting_thread, 0u);
}

TEST_F(ExCacheTest, AnInstructionKeepsWhatItHasUntilItRan) {
  start(32);
  ++instruction;
  for (std::uint64_t page = first; page < first + 10; ++page) {
    TestWaiter waiter;
    ASSERT_EQ(try_fault(*parent, page, Access::Write, waiter).kind, FaultKind::Resolved);
  }
  FaultContext other;
  for (std::uint64_t page = first + 20; page < first + 60; ++page) {
    TestWaiter waiter;
    ASSERT_EQ(cache->handle_fault(parent->space, {address_of(page), Access::Write, false, page}, other, waiter).kind,
              FaultKind::Resolved);
    while (cache->evict(false).progress || home.step()) {
    }
  }
  for (std::uint64_t page = first; page < first + 10; ++page) EXPECT_NE(bytes(*parent, page), nullptr) << page;
  cache->forget(other);
  cache->forget(context);
}

// While the home is busy the clock does not go round and round over lines that cannot be written back yet.
TEST_F(ExCacheTest, LookingForVictimsWaitsForWriteBacks) {
  constexpr std::uint64_t pages = 4096;
  start(pages);
  constexpr std::uint64_t begin = first + 64;
  map(*parent, begin, 3 * pages, vma::Protection::Read | vma::Protection::Write);
  for (std::uint64_t page = begin; page < begin + 3 * pages; ++page) {
    ++instruction;
    TestWaiter waiter;
    while (try_fault(*parent, page, Access::Write, waiter).kind == FaultKind::Wait) {
      while (cache->evict(false).progress) {
      }
      if (!waiter.woken && !home.step()) FAIL() << "nobody wakes the fault at page " << page;
      cache->cancel_wait(waiter);
    }
    ASSERT_TRUE(parent->table.walk(page, Access::Write));
    bytes(*parent, page)[0] = std::byte{1};
  }
  const Counters counters = cache->counters();
  EXPECT_GT(counters.evictions, pages);
  EXPECT_LT(counters.lines_scanned, 64 * counters.evictions);
}

TEST_F(ExCacheTest, AHomeThatIsLowIsAskedFirst) {
  start(16);
  cache->set_low_memory(home, true);
  EXPECT_EQ(fault(*parent, first, Access::Write), FaultKind::Resolved);
  EXPECT_EQ(home.frame_requests, 1u);
  EXPECT_EQ(fault(*parent, first + 1, Access::Write), FaultKind::Resolved);  // of the same promise
  EXPECT_EQ(home.frame_requests, 1u);
  home.out_of_frames = true;
  FaultKind kind = FaultKind::Resolved;
  for (std::uint64_t page = first + 2; kind == FaultKind::Resolved && page < first + 40; ++page) {
    kind = fault(*parent, page, Access::Read);
    evict_enough();
  }
  EXPECT_EQ(kind, FaultKind::NoMemory);
  cache->set_low_memory(home, false);
  EXPECT_EQ(fault(*parent, first + 41, Access::Write), FaultKind::Resolved);
}

TEST_F(ExCacheTest, ADeadHomeIsTold) {
  start(16);
  store(*parent, first, 1);
  evict_page(*parent, first);
  home.dead = true;
  TestWaiter waiter;
  EXPECT_EQ(try_fault(*parent, first, Access::Read, waiter).kind, FaultKind::Wait);
  answer_all();
  const FaultOutcome outcome = try_fault(*parent, first, Access::Read, waiter);
  EXPECT_EQ(outcome.kind, FaultKind::Lost);
  EXPECT_EQ(outcome.error, base::Error::PeerDead);
  // Dirty pages cannot be kept for ever.
  for (std::uint64_t page = first + 1; page < first + 40; ++page) {
    EXPECT_EQ(fault(*parent, page, Access::Write), FaultKind::Resolved);
    store(*parent, page, 1);
    evict_enough();
  }
  EXPECT_GT(cache->counters().lost_pages, 0u);
}

TEST_F(ExCacheTest, ProcessesShareThePagesOfAFile) {
  start(16);
  Object& file = new_object(ObjectKind::File, 4);
  FakeHome::Page page{};
  page[0] = std::byte{77};
  home.put({file.id.value(), 1}, page);
  TestSpace& other = new_space();
  map(*parent, first, 4, vma::Protection::Read | vma::Protection::Execute, &file);
  map(other, first + 8, 4, vma::Protection::Read | vma::Protection::Write, &file);
  EXPECT_EQ(load(*parent, first + 1), 77u);
  EXPECT_EQ(load(other, first + 9), 77u);
  EXPECT_EQ(bytes(other, first + 9), bytes(*parent, first + 1));
  EXPECT_EQ(home.fetches, 1u);
  EXPECT_EQ(cache->counters().shared_hits, 1u);
  store(other, first + 9, 5);  // private: its own copy
  EXPECT_EQ(load(*parent, first + 1), 77u);
  EXPECT_EQ(home.notices, 0u);
  EXPECT_EQ(fault(*parent, first + 4, Access::Read), FaultKind::Resolved);  // the anonymous page behind
}

TEST_F(ExCacheTest, BeyondTheEndOfAnObjectIsABusError) {
  start(16);
  Object& file = new_object(ObjectKind::File, 2);
  Object& segment = new_object(ObjectKind::Anonymous, 1);
  map(*parent, first, 4, vma::Protection::Read, &file);
  map(*parent, first + 8, 4, vma::Protection::Read | vma::Protection::Write, &segment, vma::Flags::Shared);
  EXPECT_EQ(fault(*parent, first + 1, Access::Read), FaultKind::Resolved);
  EXPECT_EQ(fault(*parent, first + 2, Access::Read), FaultKind::BeyondObject);
  EXPECT_EQ(fault(*parent, first + 8, Access::Write), FaultKind::Resolved);
  EXPECT_EQ(fault(*parent, first + 9, Access::Write), FaultKind::BeyondObject);
  EXPECT_EQ(home.fetches, 1u);  // the segment's page was new
}

TEST_F(ExCacheTest, StoresToAFileAreToldOnceAndFlushed) {
  start(64);
  Object& file = new_object(ObjectKind::File, 4);
  map(*parent, first, 4, vma::Protection::Read | vma::Protection::Write, &file, vma::Flags::Shared);
  EXPECT_EQ(load(*parent, first), 0u);
  EXPECT_FALSE(parent->table.read(address_of(first)).writable);
  EXPECT_EQ(home.notices, 0u);
  store(*parent, first, 1);
  store(*parent, first, 2);
  EXPECT_EQ(home.notices, 1u);
  std::uint64_t upto = ~std::uint64_t{0};
  TestWaiter waiter;
  while (cache->flush(file, upto, waiter) == Progress::Wait) ASSERT_TRUE(home.step());
  EXPECT_EQ(std::to_integer<int>(home.page({file.id.value(), 0})[0]), 2);
  EXPECT_EQ(load(*parent, first), 2u);  // it stays
  EXPECT_FALSE(parent->table.read(address_of(first)).writable);
  store(*parent, first, 3);
  EXPECT_EQ(home.notices, 2u);
}

TEST_F(ExCacheTest, DirtyLinesOfFilesAreBounded) {
  start(64);
  Object& file = new_object(ObjectKind::File, 64);
  map(*parent, first, 64, vma::Protection::Read | vma::Protection::Write, &file, vma::Flags::Shared);
  for (std::uint64_t page = first; page < first + 16; ++page)
    ASSERT_EQ(fault(*parent, page, Access::Write), FaultKind::Resolved);
  EXPECT_EQ(cache->dirty_file_lines(), 16u);
  EXPECT_EQ(fault(*parent, first + 16, Access::Write), FaultKind::Wait);
  evict_enough();  // cleans them
  EXPECT_LE(cache->dirty_file_lines(), 8u);
  EXPECT_EQ(fault(*parent, first + 16, Access::Write), FaultKind::Resolved);
}

TEST_F(ExCacheTest, OldStoresToFilesOnDiskGoHome) {
  start(64);
  const std::uint64_t period_ns = Configuration::for_lines(64).ageing_period_ns;
  Object& on_disk = new_object(ObjectKind::File, 8, true);
  Object& in_memory = new_object(ObjectKind::File, 8);
  const auto both = vma::Protection::Read | vma::Protection::Write;
  map(*parent, first, 8, both, &on_disk, vma::Flags::Shared);
  map(*parent, first + 8, 8, both, &in_memory, vma::Flags::Shared);
  const auto first_byte = [&](Object& file) { return std::to_integer<int>(home.page({file.id.value(), 0})[0]); };
  const auto evict_at = [&](std::uint64_t now_ns) {
    scheduler.advance_to(now_ns);
    evict_enough();
    return cache->evict(false).retry_at_ns;
  };
  const std::uint64_t start_ns = scheduler.now_ns();
  EXPECT_EQ(evict_at(start_ns), base::never_ns);  // with nothing dirty nobody needs to wake up
  store(*parent, first + 8, 1);
  EXPECT_EQ(evict_at(start_ns), base::never_ns);
  store(*parent, first, 1);
  EXPECT_EQ(evict_at(start_ns), start_ns + period_ns);
  EXPECT_EQ(evict_at(start_ns + period_ns), start_ns + 2 * period_ns);
  store(*parent, first + 1, 1);
  EXPECT_EQ(first_byte(on_disk), 0);
  EXPECT_EQ(evict_at(start_ns + 2 * period_ns), start_ns + 3 * period_ns);
  EXPECT_EQ(first_byte(on_disk), 1);
  EXPECT_EQ(cache->dirty_file_lines(), 2u);  // the younger one, and the one in memory
  EXPECT_EQ(load(*parent, first), 1u);       // it stays
  store(*parent, first, 2);
  EXPECT_EQ(evict_at(start_ns + 3 * period_ns), start_ns + 4 * period_ns);
  EXPECT_EQ(first_byte(on_disk), 1);
  EXPECT_EQ(evict_at(start_ns + 4 * period_ns), start_ns + 5 * period_ns);
  EXPECT_EQ(first_byte(on_disk), 2);
  EXPECT_EQ(evict_at(start_ns + 5 * period_ns), base::never_ns);
  EXPECT_EQ(first_byte(in_memory), 0);
  EXPECT_EQ(cache->dirty_file_lines(), 1u);
}

TEST_F(ExCacheTest, ManyOldStoresGoHomeOneAfterTheOther) {
  start(1024);
  const std::uint64_t period_ns = Configuration::for_lines(1024).ageing_period_ns;
  Object& file = new_object(ObjectKind::File, 100, true);
  map(*parent, first, 100, vma::Protection::Read | vma::Protection::Write, &file, vma::Flags::Shared);
  for (std::uint64_t page = first; page < first + 100; ++page) store(*parent, page, page);
  scheduler.advance_to(scheduler.now_ns() + period_ns);
  evict_enough();
  EXPECT_EQ(cache->dirty_file_lines(), 100u);
  scheduler.advance_to(scheduler.now_ns() + period_ns);
  evict_enough();
  EXPECT_EQ(cache->dirty_file_lines(), 0u);
}

TEST_F(ExCacheTest, TagsOfEndedForksAreGivenBack) {
  block_tags = 64;
  start(64);
  for (std::uint64_t page = first; page < first + 20; ++page) store(*parent, page, page);
  const std::size_t before = cache->tag_count();
  std::vector<TestSpace*> children;
  for (unsigned i = 0; i < 30; ++i) children.push_back(&fork(*parent));
  EXPECT_GE(cache->tag_count(), 31u * 20);
  for (TestSpace* child : children) leave(*child);
  EXPECT_LE(cache->tag_count(), before + 3u * 64);
  EXPECT_EQ(load(*parent, first + 7), first + 7);
  EXPECT_EQ(cache->audit(), nullptr);
}

// With as many sharers as there can be tags for, a fork fails; lines that they share go home, and the next one does
// not.
TEST_F(ExCacheTest, TagsForAForkComeFromLinesThatManyShare) {
  block_tags = 64;
  start(64);
  for (std::uint64_t page = first; page < first + 20; ++page) store(*parent, page, page);
  const auto fork_fails = [&] {
    TestSpace& child = new_space();
    cache->freeze(parent->space, everything);
    run(*parent, {.range = everything, .unmapping = Unmapping::Keep});
    home.fork(parent->space.id.value(), child.space.id.value());
    EXPECT_TRUE(child.space.vmas.copy_from(parent->space.vmas));
    const bool failed = !cache->fork(parent->space, child.space);
    cache->thaw(parent->space);
    return failed;
  };
  unsigned children = 0;
  while (!fork_fails()) ASSERT_LT(++children, 64u);
  EXPECT_GT(children, 30u);
  TestWaiter waiter;
  ASSERT_EQ(cache->provide_tags(20, waiter), Progress::Wait);
  evict_enough();
  EXPECT_TRUE(waiter.woken);
  EXPECT_EQ(cache->provide_tags(20, waiter), Progress::Done);
  EXPECT_FALSE(fork_fails());
  EXPECT_EQ(load(*parent, first + 7), first + 7);
}

TEST_F(ExCacheTest, PagesInARowAreFetchedAhead) {
  start(64, true, true);
  Object& file = new_object(ObjectKind::File, 64);
  map(*parent, first, 64, vma::Protection::Read, &file);
  for (std::uint64_t page = first; page < first + 40; ++page) EXPECT_EQ(load(*parent, page), 0u);
  EXPECT_GT(home.prefetches, 20u);
  EXPECT_LT(home.fetches, 20u);
  EXPECT_GT(cache->counters().prefetch_used, 20u);
  EXPECT_LE(cache->counters().prefetch_used, cache->counters().prefetch_issued);
}

TEST_F(ExCacheTest, DiscardedPagesAreZeros) {
  start(16);
  store(*parent, first, 1);
  store(*parent, first + 1, 2);
  evict_page(*parent, first);
  const vma::Range range = vma::Range::of(address_of(first), 2 * base::page_bytes);
  cache->freeze(parent->space, range);
  // A fault in the range waits for the end of the operation.
  TestWaiter waiter;
  EXPECT_EQ(try_fault(*parent, first, Access::Read, waiter).kind, FaultKind::Wait);
  run(*parent, {.range = range});
  home.forget(1, first, 2);
  cache->discard(parent->space, range);
  EXPECT_FALSE(waiter.woken);
  cache->thaw(parent->space);
  EXPECT_TRUE(waiter.woken);
  EXPECT_EQ(load(*parent, first), 0u);
  EXPECT_EQ(load(*parent, first + 1), 0u);
}

}  // namespace
}  // namespace excache

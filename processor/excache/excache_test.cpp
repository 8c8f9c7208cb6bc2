// SPDX-License-Identifier: Apache-2.0
// The ExCache's promises one by one: which faults need a message, which do not, who waits for whom, what is shared.
#include "processor/excache/excache.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "processor/testing/fake_home.h"

namespace excache {
namespace {

using testing_support::FakeHome;
using testing_support::FakePageTable;
using testing_support::Lines;
using testing_support::Scheduler;

struct TestWaiter final : base::Waiter {
  bool woken = false;
  void wake() override { woken = true; }
};

constexpr std::uint64_t first = 0x100;  // page
constexpr base::UserVa address_of(std::uint64_t page) { return base::UserVa(page << base::page_shift); }

struct TestSpace {
  TestSpace(Scheduler& scheduler, Lines& lines, std::uint64_t id)
      : table(scheduler, lines), space(base::SpaceId(id), table) {}
  FakePageTable table;
  Space space;
};

class ExCacheTest : public testing::Test {
 protected:
  void start(std::uint32_t line_count, bool evictors = true, bool prefetch = false) {
    Configuration configuration = Configuration::for_lines(line_count);
    configuration.evictors = evictors;
    configuration.prefetch = prefetch;
    lines = std::make_unique<Lines>(scheduler, line_count);
    lines->yields = false;
    cache = std::move(*ExCache::create(configuration, *lines, scheduler));
    home.cache = cache.get();
    parent = &new_space();
    map(*parent, first, 64, vma::Protection::Read | vma::Protection::Write);
  }
  void TearDown() override {
    if (!cache) return;
    answer_all();
    for (TestSpace& space : spaces) leave(space);
    for (Object* object : objects) {
      cache->freeze_object(*object, 0);
      TestWaiter waiter;
      while (cache->quiesce_object(*object, waiter) == Progress::Wait) ASSERT_TRUE(home.step());
      cache->drop_pages(*object, 0);
      cache->thaw_object(*object);
      cache->remove_object(*object);
    }
    EXPECT_EQ(cache->audit(), nullptr);
    EXPECT_EQ(cache->free_lines(), cache->line_count());
  }

  TestSpace& new_space() {
    spaces.emplace_back(scheduler, *lines, next_id++);
    EXPECT_TRUE(cache->set_owner(spaces.back().space, 0, home));
    return spaces.back();
  }
  void map(TestSpace& space, std::uint64_t page, std::uint64_t pages, vma::Protection protection,
           Object* object = nullptr, vma::Flags flags = vma::Flags::None) {
    vma::Vma vma{
        .range = vma::Range::of(address_of(page), pages * base::page_bytes), .protection = protection, .flags = flags};
    if (object != nullptr) vma.object = object->id;
    ASSERT_TRUE(space.space.vmas.map(vma));
  }
  Object& new_object(ObjectKind kind, std::uint64_t pages) {
    owned.push_back(std::make_unique<Object>(base::ObjectId(next_id++), kind, home, pages * base::page_bytes));
    objects.push_back(owned.back().get());
    cache->add_object(*objects.back());
    if (kind == ObjectKind::File) home.files.insert(objects.back()->id.value());
    return *objects.back();
  }
  void answer_all() {
    while (home.step()) {
    }
  }

  FaultOutcome try_fault(TestSpace& space, std::uint64_t page, Access access, TestWaiter& waiter) {
    return cache->handle_fault(space.space, {address_of(page), access, false, instruction}, context, waiter);
  }
  // To the end; every fault is of an instruction of its own unless a test says otherwise.
  FaultKind fault(TestSpace& space, std::uint64_t page, Access access, bool from_kernel = false) {
    ++instruction;
    for (;;) {
      TestWaiter waiter;
      const FaultOutcome outcome =
          cache->handle_fault(space.space, {address_of(page), access, from_kernel, instruction}, context, waiter);
      if (outcome.kind != FaultKind::Wait) return outcome.kind;
      if (!waiter.woken && !home.step()) {
        cache->cancel_wait(waiter);
        cache->abandon_fault(context);
        return FaultKind::Wait;  // nobody will ever wake it
      }
      cache->cancel_wait(waiter);
    }
  }
  std::byte* bytes(TestSpace& space, std::uint64_t page) {
    const auto line = space.table.mapped_line(page);
    return line ? lines->address(*line) : nullptr;
  }
  void store(TestSpace& space, std::uint64_t page, std::uint64_t value) {
    if (!space.table.walk(page, Access::Write)) {
      ASSERT_EQ(fault(space, page, Access::Write), FaultKind::Resolved);
      ASSERT_TRUE(space.table.walk(page, Access::Write));
    }
    std::memcpy(bytes(space, page), &value, sizeof(value));
  }
  std::uint64_t load(TestSpace& space, std::uint64_t page) {
    if (!space.table.walk(page, Access::Read)) {
      EXPECT_EQ(fault(space, page, Access::Read), FaultKind::Resolved);
    }
    std::uint64_t value = ~std::uint64_t{0};
    if (std::byte* memory = bytes(space, page)) std::memcpy(&value, memory, sizeof(value));
    return value;
  }
  // Until evictors have nothing left to do and homes have answered.
  void evict_enough() {
    while (cache->evict(false).progress || home.step()) {
    }
  }
  // Everything but what is free already has to go: touches other pages until it is gone.
  void evict_page(TestSpace& space, std::uint64_t page) {
    for (std::uint64_t other = first + 40; bytes(space, page) != nullptr; ++other) {
      ASSERT_LT(other, first + 64);
      store(space, other, 1);
      evict_enough();
    }
  }
  void run(TestSpace& space, Quiesce state) {
    TestWaiter waiter;
    while (cache->quiesce(space.space, state, waiter) == Progress::Wait) ASSERT_TRUE(home.step());
  }
  TestSpace& fork(TestSpace& from) {
    TestSpace& child = new_space();
    cache->freeze(from.space, everything);
    run(from, {.range = everything, .unmapping = Unmapping::Keep});
    home.fork(from.space.id.value(), child.space.id.value());
    EXPECT_TRUE(child.space.vmas.copy_from(from.space.vmas));
    EXPECT_TRUE(cache->fork(from.space, child.space));
    cache->thaw(from.space);
    return child;
  }
  void leave(TestSpace& space) {
    cache->freeze(space.space, everything);
    run(space, {.range = everything});
    cache->discard(space.space, everything);
    TestWaiter waiter;
    EXPECT_EQ(cache->retire(space.space, waiter), Progress::Done);
    cache->thaw(space.space);
  }

  static constexpr vma::Range everything{base::UserVa(0), base::UserVa(std::uint64_t{1} << 47)};
  Scheduler scheduler{1};
  std::unique_ptr<Lines> lines;
  base::Own<ExCache> cache;
  FakeHome home{scheduler};
  std::deque<TestSpace> spaces;
  std::vector<Object*> objects;
  std::vector<std::unique_ptr<Object>> owned;
  TestSpace* parent = nullptr;
  FaultContext context;
  std::uint64_t instruction = 0;
  std::uint64_t next_id = 1;
};

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

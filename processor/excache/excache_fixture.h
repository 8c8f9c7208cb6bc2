// SPDX-License-Identifier: Apache-2.0
// What the ExCache's unit tests share: a cache, a home that answers when it is told to, spaces and objects.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <vector>

#include "processor/excache/excache.h"
#include "processor/testing/fake_home.h"

namespace excache {

using testing_support::FakeHome;
using testing_support::FakePageTable;
using testing_support::Lines;
using testing_support::Scheduler;

struct TestWaiter final : base::Waiter {
  bool woken = false;
  void wake() override { woken = true; }
};

inline constexpr std::uint64_t first = 0x100;  // page
inline constexpr base::UserVa address_of(std::uint64_t page) { return base::UserVa(page << base::page_shift); }

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
    if (block_tags > 0) {
      configuration.initial_tags = block_tags;
      configuration.tags_per_block = block_tags;
      configuration.max_tags = 16 * block_tags;
    }
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
  Object& new_object(ObjectKind kind, std::uint64_t pages, bool on_disk = false) {
    owned.push_back(std::make_unique<Object>(base::ObjectId(next_id++), kind, home, pages * base::page_bytes, on_disk));
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
  std::uint32_t block_tags = 0;  // not 0: so many at first and in a block, and at most 16 times as many
};

}  // namespace excache

// SPDX-License-Identifier: Apache-2.0
// VmaSet against a model that holds every page by itself: random maps, unmaps, protections, remaps and breaks must
// leave the same pages, in as few VMAs as can be; and what place_...() chooses must be free.
#include "kernel/vma/vma_set.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "kernel/base/random.h"

namespace vma {
namespace {

using base::UserVa;

struct Page {
  std::uint64_t object = 0;
  std::uint64_t object_page = 0;  // 0 without an object
  Protection protection = Protection::None;
  Flags flags = Flags::None;
  bool operator==(const Page&) const = default;
};

class Model {
 public:
  std::map<std::uint64_t, Page> pages;

  void map(const Vma& vma) {
    for (std::uint64_t i = 0; i < vma.range.pages(); ++i)
      pages[vma.range.start.value() / base::page_bytes + i] = {
          vma.object.value(), vma.object ? vma.object_offset / base::page_bytes + i : 0, vma.protection, vma.flags};
  }
  void unmap(Range range) {
    pages.erase(pages.lower_bound(range.start.value() / base::page_bytes),
                pages.lower_bound(range.end.value() / base::page_bytes));
  }
  bool covered(Range range) const {
    for (std::uint64_t i = 0; i < range.pages(); ++i)
      if (!pages.contains(range.start.value() / base::page_bytes + i)) return false;
    return true;
  }
  bool free(Range range) const {
    auto at = pages.lower_bound(range.start.value() / base::page_bytes);
    return at == pages.end() || at->first >= range.end.value() / base::page_bytes;
  }
  std::size_t runs() const {
    std::size_t count = 0;
    std::optional<std::pair<std::uint64_t, Page>> last;
    for (const auto& [number, page] : pages) {
      bool same = last && last->first + 1 == number;
      if (same) {
        Page expected = last->second;
        if (expected.object != 0) ++expected.object_page;
        same = expected == page;
      }
      if (!same) ++count;
      last = {number, page};
    }
    return count;
  }
};

void expect_same(const VmaSet& set, const Model& model) {
  Model seen;
  UserVa reached(0);
  for (const Vma* vma = set.first(); vma != nullptr; vma = set.next(*vma)) {
    ASSERT_LT(vma->range.start, vma->range.end);
    ASSERT_GE(vma->range.start, reached);
    reached = vma->range.end;
    seen.map(*vma);
  }
  ASSERT_EQ(seen.pages, model.pages);
  ASSERT_EQ(set.count(), model.runs());
  ASSERT_EQ(set.mapped_bytes(), model.pages.size() * base::page_bytes);
}

constexpr std::uint64_t first_page = 0x100;
constexpr std::uint64_t span_pages = 48;

class Walk {
 public:
  explicit Walk(std::uint64_t seed) : random_(seed), set_(layout()) {
    set_.set_break_start(UserVa((first_page + 20) * base::page_bytes));
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      const std::uint64_t before = set_.version();
      const bool changed = step();
      ASSERT_EQ(set_.version(), before + (changed ? 1 : 0));
      expect_same(set_, model_);
      if (testing::Test::HasFatalFailure()) return;
    }
    VmaSet copy;
    ASSERT_TRUE(copy.copy_from(set_));
    expect_same(copy, model_);
    ASSERT_EQ(copy.version(), set_.version());
    ASSERT_EQ(copy.current_break(), set_.current_break());
  }

 private:
  static Layout layout() {
    return {UserVa(first_page * base::page_bytes), UserVa((first_page + span_pages) * base::page_bytes),
            UserVa((first_page + span_pages + 8) * base::page_bytes)};
  }
  Range any_range(std::uint64_t most = 8) {
    const std::uint64_t start = first_page + random_.below(span_pages);
    return Range::of(UserVa(start * base::page_bytes), (1 + random_.below(most)) * base::page_bytes);
  }
  Protection any_protection() { return static_cast<Protection>(random_.below(8)); }
  Vma any_vma(Range range) {
    Vma vma{.range = range, .protection = any_protection()};
    if (random_.below(2) == 0) {
      vma.object = base::ObjectId(1 + random_.below(2));
      // Often in step with the address, so that neighbours merge.
      vma.object_offset = random_.below(2) == 0 ? range.start.value() : random_.below(9) * base::page_bytes;
      if (random_.below(2) == 0) vma.flags = Flags::Shared;
    }
    return vma;
  }

  bool step() {
    switch (random_.below(8)) {
      case 0:
      case 1:
        return map();
      case 2:
        return unmap();
      case 3:
        return protect();
      case 4:
        return remap();
      case 5:
        return move_break();
      case 6:
        return mark();
      default:
        return place();
    }
  }
  bool map() {
    const Vma vma = any_vma(any_range());
    EXPECT_TRUE(set_.map(vma));
    model_.map(vma);
    return true;
  }
  bool unmap() {
    const Range range = any_range();
    EXPECT_TRUE(set_.unmap(range));
    model_.unmap(range);
    return true;
  }
  bool protect() {
    const Range range = any_range(4);
    const Protection protection = any_protection();
    const bool done = set_.protect(range, protection).has_value();
    EXPECT_EQ(done, model_.covered(range));
    if (!done) return false;
    for (std::uint64_t i = 0; i < range.pages(); ++i)
      model_.pages[range.start.value() / base::page_bytes + i].protection = protection;
    return true;
  }
  // Counted by neither side.
  bool mark() {
    const Range range = any_range();
    const auto any_flags = [&] { return static_cast<Flags>(random_.below(4) << 16); };
    const Flags set = any_flags(), cleared = any_flags();
    EXPECT_TRUE(set_.mark(range, set, cleared));
    for (std::uint64_t i = 0; i < range.pages(); ++i) {
      const auto page = model_.pages.find(range.start.value() / base::page_bytes + i);
      if (page != model_.pages.end()) page->second.flags = (page->second.flags & ~cleared) | set;
    }
    return false;
  }
  bool place() {
    const std::uint64_t bytes = (1 + random_.below(10)) * base::page_bytes;
    const UserVa hint = random_.below(2) == 0 ? UserVa(0) : any_range().start;
    const auto address = set_.place(hint, bytes, Placement::Anywhere);
    if (!address) {
      for (std::uint64_t page = first_page; page + bytes / base::page_bytes <= first_page + span_pages; ++page)
        EXPECT_FALSE(model_.free(Range::of(UserVa(page * base::page_bytes), bytes)));
      return false;
    }
    const Range range = Range::of(*address, bytes);
    EXPECT_TRUE(model_.free(range));
    if (hint.value() != 0 && hint + bytes <= layout().end && model_.free(Range::of(hint, bytes))) {
      EXPECT_EQ(*address, hint);
    }
    EXPECT_GE(range.start, layout().lowest);
    EXPECT_LE(range.end, layout().end);
    const Vma vma = any_vma(range);
    EXPECT_TRUE(set_.map(vma));
    model_.map(vma);
    return true;
  }
  bool remap() {
    const Range old_range = any_range(4);
    const std::uint64_t new_bytes = (1 + random_.below(8)) * base::page_bytes;
    const RemapMode mode{.may_move = random_.below(3) > 0, .fixed = random_.below(3) == 0};
    const UserVa wanted = any_range().start;
    const auto address = set_.place_remap(old_range, wanted, new_bytes, mode);
    if (!address) return false;
    const Range result = Range::of(*address, new_bytes);
    if (mode.fixed) {
      EXPECT_EQ(*address, wanted);
    }
    std::map<std::uint64_t, Page> moved;
    const std::uint64_t old_first = old_range.start.value() / base::page_bytes;
    const std::uint64_t new_first = address->value() / base::page_bytes;
    EXPECT_TRUE(model_.covered(old_range));
    for (std::uint64_t i = 0; i < result.pages(); ++i) {
      Page page = model_.pages[old_first];
      if (page.object != 0) page.object_page += i;
      moved[new_first + i] = page;
    }
    if (*address != old_range.start && !mode.fixed) {
      EXPECT_TRUE(model_.free(result));
    }
    EXPECT_TRUE(set_.remap(old_range, *address, new_bytes, mode));
    model_.unmap(result);
    model_.unmap(old_range);
    for (const auto& [number, page] : moved) model_.pages[number] = page;
    return true;
  }
  bool move_break() {
    const UserVa address(set_.break_start().value() + random_.below(20 * base::page_bytes));
    const UserVa old = set_.current_break();
    const Range change = set_.break_change(address);
    const bool free = model_.free(change) || change.start == change.end;
    const bool done = set_.set_break(address).has_value();
    if (address <= old) {
      EXPECT_TRUE(done);
    }
    if (!done) {
      EXPECT_TRUE(!free || change.end > layout().end);
      return false;
    }
    EXPECT_EQ(set_.current_break(), address);
    if (address < old) {
      if (change.start < change.end) model_.unmap(change);
    } else if (change.start < change.end) {
      EXPECT_TRUE(free);
      model_.map({.range = change, .protection = Protection::Read | Protection::Write});
    }
    return true;
  }

  base::Random random_;
  VmaSet set_;
  Model model_;
};

TEST(VmaSet, BehavesAsPagesOneByOne) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    Walk(seed).run(150);
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

Vma anonymous(std::uint64_t start, std::uint64_t bytes, Flags flags = Flags::None) {
  return {.range = Range::of(UserVa(start), bytes), .protection = Protection::Read | Protection::Write, .flags = flags};
}

TEST(VmaSet, PlacesFromTheTopDownAndKeepsOffStacks) {
  VmaSet set;
  const auto first = set.place(UserVa(0), 0x3000, Placement::Anywhere);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->value() + 0x3000, set.layout().mmap_top.value());
  ASSERT_TRUE(set.map(anonymous(first->value(), 0x3000, Flags::GrowsDown)));
  const auto second = set.place(UserVa(0), 0x1000, Placement::Anywhere);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->value() + 0x1000 + stack_guard_bytes, first->value());
  // A hint within the guard is not taken; a fixed address is.
  const auto hinted = set.place(*first - 0x1000, 0x1000, Placement::Anywhere);
  ASSERT_TRUE(hinted);
  EXPECT_EQ(*hinted, *second);
  EXPECT_TRUE(set.place(*first - 0x1000, 0x1000, Placement::Fixed));
  const auto low = set.place(UserVa(0), 0x1000, Placement::Low32Bit);
  ASSERT_TRUE(low);
  EXPECT_LT(low->value(), std::uint64_t{1} << 31);
}

TEST(VmaSet, RefusesWhatCannotBe) {
  VmaSet set;
  EXPECT_EQ(set.place(UserVa(0), std::uint64_t{1} << 47, Placement::Anywhere).error(), base::Error::NoMemory);
  EXPECT_EQ(set.place(UserVa(0x1000), 0x1000, Placement::Fixed).error(), base::Error::NotPermitted);
  EXPECT_EQ(set.place(UserVa(0x20001), 0x1000, Placement::Fixed).error(), base::Error::InvalidArgument);
  ASSERT_TRUE(set.map(anonymous(0x20000, 0x2000)));
  EXPECT_EQ(set.place(UserVa(0x21000), 0x2000, Placement::FixedNoReplace).error(), base::Error::Exists);
  EXPECT_EQ(set.place(set.layout().end - 0x1000, 0x2000, Placement::Fixed).error(), base::Error::NoMemory);
  EXPECT_EQ(set.protect(Range::of(UserVa(0x20000), 0x3000), Protection::Read).error(), base::Error::NoMemory);
  Vma shared = anonymous(0x30000, 0x1000, Flags::Shared | Flags::NoWrite);
  shared.object = base::ObjectId(5);
  shared.protection = Protection::Read;
  ASSERT_TRUE(set.map(shared));
  EXPECT_EQ(set.protect(shared.range, Protection::Write).error(), base::Error::AccessDenied);
  EXPECT_TRUE(set.protect(shared.range, Protection::Read | Protection::Execute));
  shared = anonymous(0x34000, 0x1000, Flags::NoExecute);
  ASSERT_TRUE(set.map(shared));
  EXPECT_EQ(set.protect(shared.range, Protection::Read | Protection::Execute).error(), base::Error::AccessDenied);
  EXPECT_TRUE(set.protect(shared.range, Protection::Write));
  const RemapMode may_move{.may_move = true};
  EXPECT_EQ(set.place_remap(Range::of(UserVa(0x21000), 0x2000), {}, 0x3000, may_move).error(), base::Error::BadAddress);
  EXPECT_EQ(set.place_remap(Range::of(UserVa(0x20000), 0), {}, 0x1000, may_move).error(), base::Error::InvalidArgument);
  EXPECT_TRUE(set.place_remap(Range::of(UserVa(0x30000), 0), {}, 0x1000, may_move));
}

TEST(VmaSet, GrowsStacksDownToTheGuard) {
  VmaSet set;
  constexpr std::uint64_t stack = 0x7000'0000;
  ASSERT_TRUE(set.map(anonymous(stack, 0x4000, Flags::GrowsDown)));
  const auto growth = set.stack_growth(UserVa(stack - 0x2345), 0x100000);
  ASSERT_TRUE(growth);
  EXPECT_EQ(growth->added, (Range{UserVa(stack - 0x3000), UserVa(stack)}));
  EXPECT_EQ(set.stack_growth(UserVa(stack - 0x2345), 0x6000).error(), base::Error::NoMemory);
  ASSERT_TRUE(
      set.map({.range = growth->added, .protection = growth->stack->protection, .flags = growth->stack->flags}));
  EXPECT_EQ(set.count(), 1u);
  ASSERT_TRUE(set.map(anonymous(stack - 0x200000, 0x1000)));
  EXPECT_TRUE(set.stack_growth(UserVa(stack - 0x200000 + 0x1000 + stack_guard_bytes), 0x400000));
  EXPECT_FALSE(set.stack_growth(UserVa(stack - 0x200000 + stack_guard_bytes), 0x400000));
  EXPECT_FALSE(set.stack_growth(UserVa(stack - 0x201000), 0x400000));  // above it is no stack
}

TEST(VmaSet, MarksSplitAndMergeAgain) {
  VmaSet set;
  ASSERT_TRUE(set.map(anonymous(0x100000, 0x8000)));
  const std::uint64_t version = set.version();
  ASSERT_TRUE(set.mark(Range::of(UserVa(0x102000), 0x2000), Flags::NotForked, Flags::None));
  EXPECT_EQ(set.count(), 3u);
  EXPECT_TRUE(has(set.find(UserVa(0x103000))->flags, Flags::NotForked));
  EXPECT_FALSE(has(set.find(UserVa(0x104000))->flags, Flags::NotForked));
  // A part of it that moves takes the flag along; what is mapped over it has none.
  ASSERT_TRUE(set.remap(Range::of(UserVa(0x103000), 0x1000), UserVa(0x200000), 0x2000, {.may_move = true}));
  EXPECT_TRUE(has(set.find(UserVa(0x201000))->flags, Flags::NotForked));
  ASSERT_TRUE(set.map(anonymous(0x103000, 0x1000)));
  ASSERT_TRUE(set.unmap(Range::of(UserVa(0x200000), 0x2000)));
  EXPECT_EQ(set.count(), 3u);
  VmaSet copy;
  ASSERT_TRUE(copy.copy_from(set));
  EXPECT_TRUE(has(copy.find(UserVa(0x102000))->flags, Flags::NotForked));
  // Holes are no error, and what comes off makes one area of it again.
  const std::uint64_t changes = set.version();
  ASSERT_TRUE(set.mark(Range::of(UserVa(0x100000), 0x20000), Flags::None, Flags::NotForked));
  EXPECT_EQ(set.count(), 1u);
  EXPECT_EQ(set.version(), changes);
  EXPECT_EQ(changes, version + 3);
}

TEST(VmaSet, TakesMarksOffWhenItIsFull) {
  VmaSet set;
  const std::uint64_t bytes = 2 * max_vmas * base::page_bytes;
  const auto page = [](std::uint64_t number) {
    return Range::of(UserVa(0x100000 + number * base::page_bytes), base::page_bytes);
  };
  ASSERT_TRUE(set.map(anonymous(0x100000, bytes)));
  std::uint64_t marked = 1;
  while (set.mark(page(marked), Flags::NotForked, Flags::None)) marked += 2;
  EXPECT_GE(set.count() + 2, max_vmas);
  EXPECT_LE(set.count(), max_vmas);
  EXPECT_TRUE(set.mark(page(marked - 2), Flags::None, Flags::NotForked));
  ASSERT_TRUE(set.mark(Range::of(UserVa(0x100000), bytes), Flags::None, Flags::NotForked));
  EXPECT_EQ(set.count(), 1u);
}

TEST(VmaSet, SaysWhenItIsFull) {
  VmaSet set;
  EXPECT_TRUE(set.has_room_for(max_vmas));
  ASSERT_TRUE(set.map(anonymous(0x100000, 0x3000)));
  EXPECT_TRUE(set.has_room_for(max_vmas - 1));
  EXPECT_FALSE(set.has_room_for(max_vmas));
  EXPECT_TRUE(set.may_unmap(Range::of(UserVa(0x101000), 0x1000)));
}

TEST(VmaSet, RemapDontUnmapKeepsTheOldRangeMapped) {
  VmaSet set;
  ASSERT_TRUE(set.map(anonymous(0x100000, 0x3000)));
  const RemapMode keep{.may_move = true, .keep_old = true};
  const Range old_range = Range::of(UserVa(0x100000), 0x3000);
  const auto address = set.place_remap(old_range, {}, 0x3000, keep);
  ASSERT_TRUE(address);
  ASSERT_NE(*address, old_range.start);
  ASSERT_TRUE(set.remap(old_range, *address, 0x3000, keep));
  EXPECT_TRUE(set.is_covered(old_range));
  EXPECT_TRUE(set.is_covered(Range::of(*address, 0x3000)));
}

}  // namespace
}  // namespace vma

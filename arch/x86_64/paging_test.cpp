// SPDX-License-Identifier: Apache-2.0
// The page-table editor over a fake memory that shows every store: after each one, every address translates to what it
// did before or to what it is meant to become, never to anything else.
#include "arch/x86_64/paging.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "kernel/base/random.h"

namespace arch {
namespace {

using base::PhysAddr;

// Tables at made-up physical addresses.
struct FakeMemory {
  std::map<std::uint64_t, std::unique_ptr<std::uint64_t[]>> tables;
  std::uint64_t next = 0x7000;
  std::uint64_t tables_left = ~std::uint64_t{0};
  std::function<void()> after_store = [] {};

  PhysAddr allocate() {
    next += base::page_bytes;
    tables[next] = std::make_unique<std::uint64_t[]>(table_entries);
    return PhysAddr(next);
  }
};

struct RecordingAccess {
  FakeMemory* memory;

  base::Result<PhysAddr> allocate_table() {
    if (memory->tables_left == 0) return base::fail(base::Error::NoMemory);
    --memory->tables_left;
    return memory->allocate();
  }
  void free_table(PhysAddr table) { ASSERT_EQ(memory->tables.erase(table.value()), 1u); }
  std::uint64_t* table(PhysAddr table) const { return memory->tables.at(table.value()).get(); }
  static std::uint64_t load(const std::uint64_t& slot) { return slot; }
  void store(std::uint64_t& slot, std::uint64_t value) const { exchange(slot, value); }
  std::uint64_t exchange(std::uint64_t& slot, std::uint64_t value) const {
    const std::uint64_t old = std::exchange(slot, value);
    memory->after_store();
    return old;
  }
  bool compare_exchange(std::uint64_t& slot, std::uint64_t& expected, std::uint64_t value) const {
    if (slot != expected) {
      expected = slot;
      return false;
    }
    exchange(slot, value);
    return true;
  }
};

using Table = BasicPageTable<RecordingAccess>;

// What the CPU would find, written independently of the editor: 0 when nothing is mapped, otherwise the address and the
// rights that all levels grant together.
std::uint64_t translate(const FakeMemory& memory, PhysAddr root, std::uint64_t address) {
  std::uint64_t table = root.value(), granted = 6, denied = 0;
  for (int shift = 39; shift >= 12; shift -= 9) {
    const std::uint64_t entry = memory.tables.at(table)[(address >> shift) & 511];
    if ((entry & 1) == 0) return 0;
    granted &= entry;
    denied |= entry >> 63;
    const std::uint64_t frame = entry & 0x000ffffffffff000;
    if (shift == 12 || (shift < 39 && (entry & 0x80) != 0)) {
      const std::uint64_t offset = address & ((std::uint64_t{1} << shift) - 1);
      return (frame + offset) | granted | (denied << 63) | 1;
    }
    table = frame;
  }
  return 0;
}

constexpr PageRights user_write = PageRights::User | PageRights::Write;

class PagingTest : public testing::Test {
 protected:
  PagingTest() : table_(memory_.allocate(), RecordingAccess{&memory_}) {}
  std::uint64_t translated(std::uint64_t address) { return translate(memory_, table_.root(), address); }

  FakeMemory memory_;
  Table table_;
};

TEST_F(PagingTest, EntriesSayWhatTheManualSays) {
  const Entry entry = Entry::page(PhysAddr(0x123456000), user_write);
  EXPECT_EQ(entry.bits(), 0x8000000123456007u);
  EXPECT_EQ(Entry::page(PhysAddr(0x1000), PageRights::Execute | PageRights::Global).bits(), 0x1101u);
  EXPECT_EQ(Entry::page(PhysAddr(0x1000), PageRights::Execute, CacheMode::Uncached).bits(), 0x1019u);
  EXPECT_EQ(Entry::page(PhysAddr(0x1000), PageRights::Execute, CacheMode::WriteCombining).bits(), 0x1009u);
  const Entry absent = Entry::absent(0x7fff'ffff'ffff'ffff);
  EXPECT_FALSE(absent.present());
  EXPECT_EQ(absent.software(), 0x7fff'ffff'ffff'ffffu);
  EXPECT_EQ(entry.with_software(Entry::software_mask).software(), Entry::software_mask);
  EXPECT_EQ(entry.with_software(Entry::software_mask).frame(), entry.frame());
  EXPECT_FALSE(entry.with_rights(PageRights::User).writable());
}

TEST_F(PagingTest, MapReadUnmap) {
  const Entry page = Entry::page(PhysAddr(0x5000), user_write);
  EXPECT_EQ(table_.read(0x400000), Entry());
  ASSERT_TRUE(table_.map(0x400000, page));
  EXPECT_EQ(table_.read(0x400000), page);
  EXPECT_EQ(table_.map(0x400000, page).error(), base::Error::Exists);
  EXPECT_EQ(translated(0x400123), 0x8000000000005123u | 7);
  EXPECT_EQ(table_.unmap(0x400000, Entry::absent(42)), page);
  EXPECT_EQ(translated(0x400123), 0u);
  EXPECT_EQ(table_.read(0x400000).software(), 42u);
  EXPECT_EQ(table_.unmap(0x7fff'0000'0000), Entry());
  ASSERT_TRUE(table_.map(0x400000, page)) << "an absent entry that carries bits can be mapped over";
}

TEST_F(PagingTest, ProtectAndClearKeepTheRest) {
  const Entry page(Entry::page(PhysAddr(0x5000), user_write).with_software(Entry::software_mask).bits() |
                   Entry::accessed_bit | Entry::dirty_bit);
  ASSERT_TRUE(table_.map(0x1000, page));
  EXPECT_EQ(table_.protect(0x1000, PageRights::User | PageRights::Execute), page);
  EXPECT_EQ(table_.read(0x1000), page.with_rights(PageRights::User | PageRights::Execute));
  EXPECT_TRUE(table_.read(0x1000).dirty());
  EXPECT_TRUE(table_.clear(0x1000, Entry::dirty_bit).dirty());
  EXPECT_FALSE(table_.read(0x1000).dirty());
  EXPECT_TRUE(table_.read(0x1000).accessed());
  EXPECT_EQ(table_.read(0x1000).software(), Entry::software_mask);
  EXPECT_FALSE(table_.protect(0x2000, user_write).present());
  EXPECT_FALSE(table_.protect(0x7fff'ffff'f000, user_write).present());
  EXPECT_EQ(table_.read(0x2000), Entry());
}

TEST_F(PagingTest, ReplaceIfOnlyReplacesWhatWasExpected) {
  const Entry first = Entry::page(PhysAddr(0x5000), user_write), second = Entry::page(PhysAddr(0x6000), user_write);
  ASSERT_TRUE(table_.map(0x1000, first));
  EXPECT_EQ(table_.replace_if(0x1000, second, Entry()), first);
  EXPECT_EQ(table_.read(0x1000), first);
  EXPECT_EQ(table_.replace_if(0x1000, first, second), first);
  EXPECT_EQ(table_.read(0x1000), second);
}

TEST_F(PagingTest, RunsTakeTheLargestPages) {
  const PageRights rights = PageRights::Write | PageRights::Global;
  const std::uint64_t base_address = 0xffff'8000'0000'0000;
  const std::uint64_t bytes = huge_page_bytes + large_page_bytes + 3 * base::page_bytes;
  const std::uint64_t first = huge_page_bytes - base::page_bytes;
  ASSERT_TRUE(
      table_.map_range(base_address + first, PhysAddr(first), bytes, rights, CacheMode::WriteBack, huge_page_bytes));
  EXPECT_EQ(memory_.tables.size(), 1u + 1 + 2 + 2) << "root, level 3, two of level 2, two of level 1";
  for (std::uint64_t address : {first, first + base::page_bytes, huge_page_bytes + 12345, first + bytes - 1})
    EXPECT_EQ(translated(base_address + address), address | 3 | Entry::no_execute_bit) << address;
  EXPECT_EQ(translated(base_address + first - 1), 0u);
  EXPECT_EQ(translated(base_address + first + bytes), 0u);
  EXPECT_TRUE(table_.read(base_address + huge_page_bytes).large());
  EXPECT_FALSE(table_.unmap(base_address + huge_page_bytes).present()) << "large pages are not taken apart";
}

TEST_F(PagingTest, NoMemoryLeavesNothingMapped) {
  for (std::uint64_t tables = 0; tables < 3; ++tables) {
    memory_.tables_left = tables;
    EXPECT_EQ(table_.map(0x80'0000'0000 * (tables + 1), Entry::page(PhysAddr(0x5000), user_write)).error(),
              base::Error::NoMemory);
    EXPECT_EQ(translated(0x80'0000'0000 * (tables + 1)), 0u);
  }
}

TEST_F(PagingTest, VisitSeesWhatIsThereInOrder) {
  const std::vector<std::uint64_t> addresses{0x1000,         0x1ff000,       0x200000,
                                             0x7f'ffff'f000, 0x80'0000'0000, 0x7fff'ffff'f000};
  for (std::uint64_t address : addresses) ASSERT_TRUE(table_.map(address, Entry::page(PhysAddr(0x5000), user_write)));
  ASSERT_TRUE(table_.replace(0x3000, Entry::absent(9)));
  std::vector<std::uint64_t> seen;
  auto visitor = [&](std::uint64_t address, Entry) { seen.push_back(address); };
  table_.visit(0, user_end, visitor);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{0x1000, 0x3000, 0x1ff000, 0x200000, 0x7f'ffff'f000, 0x80'0000'0000,
                                              0x7fff'ffff'f000}));
  seen.clear();
  table_.visit(0x2000, 0x200000, visitor);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{0x3000, 0x1ff000}));
  seen.clear();
  table_.visit(0xffff'ffff'ffff'f000, 0, visitor);
  EXPECT_TRUE(seen.empty());
  table_.free_tables();
  EXPECT_EQ(memory_.tables.size(), 1u);
}

// Of pages here and there, in ranges that begin and end anywhere, each is seen once and in order; one that was refused
// is where the next look goes on.
TEST_F(PagingTest, VisitsSeeWhatIsThereInAnyRange) {
  base::Random random(7);
  std::set<std::uint64_t> pages;
  const auto some_page = [&random] {
    // Close to the beginning or the end of a table of some level, or anywhere.
    const std::uint64_t span = std::uint64_t{1} << (21 + 9 * random.below(3));
    const std::uint64_t start = random.below(user_end / span) * span;
    const std::uint64_t pages_away = random.below(20);
    const std::uint64_t address =
        random.below(2) == 0 ? start + pages_away * 4096 : start + span - (1 + pages_away) * 4096;
    return random.below(4) == 0 ? (random.next() & (user_end - 1)) & ~std::uint64_t{0xfff} : address;
  };
  for (int i = 0; i < 200; ++i) {
    const std::uint64_t page = some_page();
    pages.insert(page);
    ASSERT_TRUE(table_.replace(page, Entry::absent(i + 1)));
  }
  for (int i = 0; i < 300; ++i) {
    std::uint64_t from = some_page(), to = random.below(8) == 0 ? user_end : some_page();
    if (from > to) std::swap(from, to);
    const std::vector<std::uint64_t> expected(pages.lower_bound(from), pages.lower_bound(to));
    std::vector<std::uint64_t> seen;
    table_.visit(from, to, [&](std::uint64_t address, Entry) { seen.push_back(address); });
    EXPECT_EQ(seen, expected) << std::hex << from << " to " << to;
    seen.clear();
    for (std::uint64_t position = from; position < to;) {
      unsigned left = 3;
      position = table_.visit_while(position, to, [&](std::uint64_t address, Entry) {
        if (left-- == 0) return false;
        seen.push_back(address);
        return true;
      });
    }
    EXPECT_EQ(seen, expected) << std::hex << from << " to " << to << " in pieces";
  }
}

TEST_F(PagingTest, RootsShareTheKernelHalf) {
  const std::uint64_t address = 0xffff'c000'0000'0000;
  ASSERT_TRUE(table_.make_top_level(address));
  Table other(memory_.allocate(), RecordingAccess{&memory_});
  other.set_top_level(address, table_.top_level(address));
  ASSERT_TRUE(table_.map(address + 0x5000, Entry::page(PhysAddr(0x9000), PageRights::Write)));
  EXPECT_EQ(other.read(address + 0x5000), table_.read(address + 0x5000));
  other.free_tables();
  EXPECT_NE(translated(address + 0x5000), 0u) << "the kernel half is not freed with a user root";
}

// Random edits; after every single store each page must translate to its old or its new mapping.
TEST_F(PagingTest, EachStoreLeavesTheOldOrTheNewMapping) {
  base::Random random(3);
  std::vector<std::uint64_t> pages;
  for (int i = 0; i < 24; ++i) pages.push_back((random.next() & (user_end - 1)) & ~std::uint64_t{0xfff});
  for (int i = 0; i < 24; ++i)
    pages.push_back(pages[static_cast<std::size_t>(i)] ^ (std::uint64_t{0x1000} << (i % 20)));
  std::map<std::uint64_t, std::uint64_t> now;  // page -> translation
  std::uint64_t changing = 0, next = 0;
  std::uint64_t stores = 0;
  memory_.after_store = [&] {
    ++stores;
    for (std::uint64_t page : pages) {
      const std::uint64_t seen = translated(page);
      if (page == changing)
        ASSERT_TRUE(seen == now[page] || seen == next) << std::hex << page << " is " << seen;
      else
        ASSERT_EQ(seen, now[page]) << std::hex << page << " changed with " << changing;
    }
  };
  auto seen_of = [](Entry entry) {
    return entry.present() ? entry.frame().value() | (entry.bits() & (7 | Entry::no_execute_bit)) : 0;
  };
  for (int step = 0; step < 5000; ++step) {
    changing = pages[random.below(pages.size())];
    const auto rights = static_cast<PageRights>(random.below(8));
    const Entry page = Entry::page(PhysAddr((1 + random.below(1 << 20)) << 12), rights);
    const Entry old = table_.read(changing);
    switch (random.below(5)) {
      case 0:
        next = old.present() ? seen_of(old) : seen_of(page);
        EXPECT_EQ(table_.map(changing, page).has_value(), !old.present());
        break;
      case 1:
        next = 0;
        table_.unmap(changing, Entry::absent(random.next() >> 1));
        break;
      case 2:
        next = old.present() ? seen_of(old.with_rights(rights)) : 0;
        table_.protect(changing, rights);
        break;
      case 3:
        next = seen_of(page);
        ASSERT_TRUE(table_.replace(changing, page));
        break;
      case 4:
        next = seen_of(old);
        table_.clear(changing, Entry::accessed_bit | Entry::dirty_bit);
        break;
    }
    ASSERT_EQ(translated(changing), next);
    now[changing] = next;
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(stores, 3000u);
}

}  // namespace
}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
// Walks and edits one four-level page table, for kernel and user halves alike. It reaches tables through an Access, so
// that a hosted test can watch every store. Each store is one atomic 64-bit access that leaves either the old or the
// new mapping. Several cores may edit different pages, and even the same, at once: tables are installed by
// compare-and-exchange and only freed by free_tables(), when nobody else uses the page table. The caller invalidates
// TLBs.
#pragma once

#include <atomic>
#include <cstdint>

#include "arch/x86_64/page_entry.h"
#include "kernel/base/assert.h"
#include "kernel/base/error.h"
#include "kernel/base/types.h"

namespace arch {

inline constexpr unsigned table_entries = 512;
inline constexpr std::uint64_t large_page_bytes = std::uint64_t{1} << 21;
inline constexpr std::uint64_t huge_page_bytes = std::uint64_t{1} << 30;
inline constexpr std::uint64_t user_end = std::uint64_t{1} << 47;  // first address beyond user space

// Where frames for tables come from. Tables are zero when allocated.
class TableSource {
 public:
  virtual base::Result<base::PhysAddr> allocate_table() = 0;
  virtual void free_table(base::PhysAddr table) = 0;

 protected:
  ~TableSource() = default;
};

// The usual Access: physical memory is visible at a fixed offset (the direct map; in tests, an arena).
class DirectMapAccess {
 public:
  constexpr DirectMapAccess(TableSource& source, std::uintptr_t offset) : source_(&source), offset_(offset) {}
  base::Result<base::PhysAddr> allocate_table() { return source_->allocate_table(); }
  void free_table(base::PhysAddr table) { source_->free_table(table); }
  std::uint64_t* table(base::PhysAddr address) const {
    return reinterpret_cast<std::uint64_t*>(offset_ + address.value());
  }
  static std::uint64_t load(const std::uint64_t& slot) {
    // acquire: what an entry points to was written before it; pairs with the releases below, on other cores.
    return std::atomic_ref(const_cast<std::uint64_t&>(slot)).load(std::memory_order_acquire);
  }
  static void store(std::uint64_t& slot, std::uint64_t value) {
    std::atomic_ref(slot).store(value, std::memory_order_release);
  }
  static std::uint64_t exchange(std::uint64_t& slot, std::uint64_t value) {
    return std::atomic_ref(slot).exchange(value, std::memory_order_acq_rel);
  }
  static bool compare_exchange(std::uint64_t& slot, std::uint64_t& expected, std::uint64_t value) {
    return std::atomic_ref(slot).compare_exchange_strong(expected, value, std::memory_order_acq_rel,
                                                         std::memory_order_acquire);
  }
  static std::uint64_t fetch_and(std::uint64_t& slot, std::uint64_t mask) {
    return std::atomic_ref(slot).fetch_and(mask, std::memory_order_acq_rel);
  }

 private:
  TableSource* source_;
  std::uintptr_t offset_;
};

template <typename Access>
class BasicPageTable {
 public:
  BasicPageTable(base::PhysAddr root, Access access) : root_(root), access_(access) {}

  base::PhysAddr root() const { return root_; }

  // The entry of a 4 KiB page; Entry() where there is no table. A large page gives the entry of that page.
  Entry read(std::uint64_t address) const {
    base::PhysAddr table = root_;
    for (unsigned level = 4;; --level) {
      const Entry entry(access_.load(slot_in(table, address, level)));
      if (level == 1 || !entry.present() || (level < 4 && entry.large())) return entry;
      table = entry.frame();
    }
  }

  // Maps a page where none is; what an absent entry carried is overwritten. Error::Exists when one is mapped,
  // Error::NoMemory when a table is missing and cannot be had.
  base::Result<> map(std::uint64_t address, Entry page) {
    std::uint64_t* slot = TRY(make_slot(address));
    std::uint64_t old = access_.load(*slot);
    do {
      if (Entry(old).present()) return base::fail(base::Error::Exists);
    } while (!access_.compare_exchange(*slot, old, page.bits()));
    return {};
  }

  // Writes any entry, present or absent, in one step; the old one, with its final accessed and dirty bits, is returned.
  // Error::NoMemory as above.
  base::Result<Entry> replace(std::uint64_t address, Entry entry) {
    std::uint64_t* slot = TRY(make_slot(address));
    return Entry(access_.exchange(*slot, entry.bits()));
  }

  // As replace(), but only if the entry still is `expected`; the entry that was found is returned.
  Entry replace_if(std::uint64_t address, Entry expected, Entry entry) {
    std::uint64_t* slot = find_slot(address);
    if (slot == nullptr) return Entry();
    std::uint64_t found = expected.bits();
    access_.compare_exchange(*slot, found, entry.bits());
    return Entry(found);
  }

  // Leaves `absent` behind; the old entry, with its final accessed and dirty bits, is returned. Never needs memory:
  // where there is no table there is nothing to unmap, and what `absent` carries is lost.
  Entry unmap(std::uint64_t address, Entry absent = Entry()) {
    LEGO_ASSERT(!absent.present());
    std::uint64_t* slot = find_slot(address);
    return slot == nullptr ? Entry() : Entry(access_.exchange(*slot, absent.bits()));
  }

  // Changes the rights of a mapped page and nothing else. The old entry; not present: nothing was mapped.
  Entry protect(std::uint64_t address, PageRights rights) {
    std::uint64_t* slot = find_slot(address);
    if (slot == nullptr) return Entry();
    std::uint64_t old = access_.load(*slot);
    while (Entry(old).present() && !access_.compare_exchange(*slot, old, Entry(old).with_rights(rights).bits())) {
    }
    return Entry(old);
  }

  // Clears accessed and/or dirty of a mapped page (Entry::accessed_bit | Entry::dirty_bit); the old entry.
  Entry clear(std::uint64_t address, std::uint64_t bits) {
    LEGO_ASSERT((bits & ~(Entry::accessed_bit | Entry::dirty_bit)) == 0);
    std::uint64_t* slot = find_slot(address);
    if (slot == nullptr) return Entry();
    std::uint64_t old = access_.load(*slot);
    while (Entry(old).present() && !access_.compare_exchange(*slot, old, old & ~bits)) {
    }
    return Entry(old);
  }

  // visitor(address, entry) for every 4 KiB entry in [from, to) that is not zero: mapped pages, and absent ones that
  // carry something. Both are page aligned. Costs what the tables that exist cost. The visitor may change that entry.
  template <typename Visitor>
  void visit(std::uint64_t from, std::uint64_t to, Visitor&& visitor) {
    visit_while(from, to, [&visitor](std::uint64_t address, Entry entry) {
      visitor(address, entry);
      return true;
    });
  }

  // The same, for visitors that return whether to go on. The address of the entry that was refused; `to` when none was.
  template <typename Visitor>
  std::uint64_t visit_while(std::uint64_t from, std::uint64_t to, Visitor&& visitor) {
    return visit_table_while(root_, 4, from, to, visitor);
  }

  // Maps a run of memory with the largest pages that alignment and `largest` allow (4096, 2 MiB or 1 GiB). For the
  // kernel's own half, before anything uses the range.
  base::Result<> map_range(std::uint64_t address, base::PhysAddr frame, std::uint64_t bytes, PageRights rights,
                           CacheMode cache = CacheMode::WriteBack, std::uint64_t largest = base::page_bytes) {
    while (bytes > 0) {
      std::uint64_t step = largest;
      unsigned level = largest == huge_page_bytes ? 3 : largest == large_page_bytes ? 2 : 1;
      for (; level > 1; --level, step /= table_entries)
        if ((address | frame.value()) % step == 0 && bytes >= step) break;
      std::uint64_t* slot = TRY(make_slot(address, level));
      if (Entry(access_.load(*slot)).present()) return base::fail(base::Error::Exists);
      access_.store(*slot, Entry::page(frame, rights, cache).bits() | (level > 1 ? Entry::large_bit : 0));
      address += step;
      frame = frame + step;
      bytes -= step;
    }
    return {};
  }

  // Makes the table of the level below the root that covers `address` exist, so that roots that copy this entry share
  // everything that is ever mapped under it.
  base::Result<> make_top_level(std::uint64_t address) {
    TRY(make_slot(address, 3));
    return {};
  }
  Entry top_level(std::uint64_t address) const { return Entry(access_.load(slot_in(root_, address, 4))); }
  void set_top_level(std::uint64_t address, Entry entry) { access_.store(slot_in(root_, address, 4), entry.bits()); }

  // Frees the tables under the user half (not the pages, and not the root). Nobody may be using them.
  void free_tables() { free_children(root_, table_entries / 2, 3); }

 private:
  static constexpr unsigned shift_of(unsigned level) { return base::page_shift + 9 * (level - 1); }

  std::uint64_t& slot_in(base::PhysAddr table, std::uint64_t address, unsigned level) const {
    return access_.table(table)[(address >> shift_of(level)) % table_entries];
  }

  // The 4 KiB entry, or nullptr where there is no table or a large page.
  std::uint64_t* find_slot(std::uint64_t address) const {
    base::PhysAddr table = root_;
    for (unsigned level = 4; level > 1; --level) {
      const Entry entry(access_.load(slot_in(table, address, level)));
      if (!entry.present() || (level < 4 && entry.large())) return nullptr;
      table = entry.frame();
    }
    return &slot_in(table, address, 1);
  }

  base::Result<std::uint64_t*> make_slot(std::uint64_t address, unsigned target_level = 1) {
    base::PhysAddr table = root_;
    for (unsigned level = 4; level > target_level; --level) {
      std::uint64_t& slot = slot_in(table, address, level);
      Entry entry(access_.load(slot));
      if (!entry.present()) entry = TRY(install_table(slot, entry));
      if (level < 4 && entry.large()) return base::fail(base::Error::Exists);
      table = entry.frame();
    }
    return &slot_in(table, address, target_level);
  }

  base::Result<Entry> install_table(std::uint64_t& slot, Entry absent) {
    const Entry created = Entry::table(TRY(access_.allocate_table()));
    std::uint64_t found = absent.bits();
    if (access_.compare_exchange(slot, found, created.bits())) return created;
    access_.free_table(created.frame());  // another core was faster
    return Entry(found);
  }

  // The first entry at or behind `index` that is not zero; `end`: there is none. Most tables are nearly empty: eight at
  // a time.
  unsigned next_filled(const std::uint64_t* slots, unsigned index, unsigned end) const {
    while (index < end) {
      if (index % 8 == 0 && end - index >= 8) {
        const std::uint64_t* const some = slots + index;
        if ((access_.load(some[0]) | access_.load(some[1]) | access_.load(some[2]) | access_.load(some[3]) |
             access_.load(some[4]) | access_.load(some[5]) | access_.load(some[6]) | access_.load(some[7])) == 0) {
          index += 8;
          continue;
        }
      }
      if (access_.load(slots[index]) != 0) return index;
      ++index;
    }
    return end;
  }

  // All of [from, to) lies in what the table covers.
  template <typename Visitor>
  std::uint64_t visit_table_while(base::PhysAddr table, unsigned level, std::uint64_t from, std::uint64_t to,
                                  Visitor& visitor) {
    if (from >= to) return to;
    const std::uint64_t* const slots = access_.table(table);
    const unsigned shift = shift_of(level);
    const std::uint64_t table_start = from >> (shift + 9) << (shift + 9);
    const unsigned end = static_cast<unsigned>(((to - 1) >> shift) % table_entries) + 1;
    for (unsigned index = next_filled(slots, static_cast<unsigned>((from >> shift) % table_entries), end); index < end;
         index = next_filled(slots, index + 1, end)) {
      const Entry entry(access_.load(slots[index]));
      const std::uint64_t start = table_start + (std::uint64_t{index} << shift);
      const std::uint64_t address = start < from ? from : start;
      if (level == 1) {
        if (entry.bits() != 0 && !visitor(address, entry)) return address;
      } else if (entry.present() && !(level < 4 && entry.large())) {
        const std::uint64_t last = start + (std::uint64_t{1} << shift) - 1;  // the next one's start may be 0
        const std::uint64_t child_end = last < to - 1 ? last + 1 : to;
        const std::uint64_t stopped = visit_table_while(entry.frame(), level - 1, address, child_end, visitor);
        if (stopped < child_end) return stopped;
      }
    }
    return to;
  }

  void free_under(std::uint64_t& slot, unsigned level) {
    const Entry entry(access_.load(slot));
    if (!entry.present()) return;
    access_.store(slot, 0);
    if (entry.large() && level < 3) return;
    if (level > 1) free_children(entry.frame(), table_entries, level - 1);
    access_.free_table(entry.frame());
  }
  // What the first entries of a table lead to: tables of this level, or large pages.
  void free_children(base::PhysAddr table, unsigned entries, unsigned level) {
    std::uint64_t* const slots = access_.table(table);
    for (unsigned index = next_filled(slots, 0, entries); index < entries;
         index = next_filled(slots, index + 1, entries)) {
      free_under(slots[index], level);
    }
  }

  base::PhysAddr root_;
  Access access_;
};

using PageTable = BasicPageTable<DirectMapAccess>;

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
// A machine for tests of the ExCache: page tables with accessed and dirty bits, a TLB per core that keeps old
// translations until it is told otherwise, and lines in ordinary memory. What takes time on a real machine lets other
// fibers run.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "processor/excache/excache.h"
#include "processor/testing/fibers.h"

namespace testing_support {

// What a run is replayed by; printed when it fails.
inline std::uint64_t current_seed = 0;
inline void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "seed %llu: %s\n", static_cast<unsigned long long>(current_seed), what);
  std::abort();
}

class Lines final : public excache::LineMemory {
 public:
  Lines(Scheduler& scheduler, std::uint32_t count) : scheduler_(scheduler), pages_(count) {}
  std::byte* address(std::uint32_t line) const override { return const_cast<std::byte*>(pages_[line].data()); }
  base::PhysAddr frame(std::uint32_t line) const override {
    return base::PhysAddr((line + std::uint64_t{0x100}) << base::page_shift);
  }
  std::uint32_t line_of(base::PhysAddr frame) const {
    return static_cast<std::uint32_t>((frame.value() >> base::page_shift) - 0x100);
  }
  void zero(std::uint32_t to) override {
    maybe_yield();
    pages_[to].fill(std::byte{0});
    maybe_yield();
  }
  void copy(std::uint32_t to, std::uint32_t from) override {
    maybe_yield();
    // In two halves, so that a source that changes meanwhile would show.
    std::memcpy(pages_[to].data(), pages_[from].data(), 2048);
    maybe_yield();
    std::memcpy(pages_[to].data() + 2048, pages_[from].data() + 2048, 2048);
    maybe_yield();
  }
  bool yields = true;  // false: used outside fibers
  void maybe_yield() {
    if (yields && scheduler_.random.below(2) == 0) scheduler_.yield();
  }

 private:
  Scheduler& scheduler_;
  std::vector<std::array<std::byte, base::page_bytes>> pages_;
};

// Translations that one core remembers for the space that it runs.
struct Translation {
  std::uint32_t line = 0;
  bool writable = false;
  bool executable = false;
  bool dirty = false;
};
using Tlb = std::map<std::uint64_t, Translation>;

class FakePageTable final : public excache::PageTable {
 public:
  FakePageTable(Scheduler& scheduler, Lines& lines) : scheduler_(scheduler), lines_(lines) {}

  std::vector<Tlb*> cores;  // that run this space
  unsigned prepare_failures_per_million = 0;

  excache::PageEntry read(base::UserVa page) const override {
    auto found = entries_.find(number(page));
    return found == entries_.end() ? excache::PageEntry{} : found->second.entry;
  }
  base::Result<> prepare(base::UserVa page) override {
    if (scheduler_.random.chance(prepare_failures_per_million)) return base::fail(base::Error::NoMemory);
    prepared_.insert(number(page));
    return {};
  }
  void install(base::UserVa page, base::PhysAddr frame, excache::PageRights rights) override {
    require(prepared_.contains(number(page)), "install() without prepare()");
    Slot& slot = entries_[number(page)];
    require(!slot.entry.present, "install() over a present entry");
    slot = {{.present = true, .writable = rights.write, .executable = rights.execute}, lines_.line_of(frame)};
  }
  excache::PageEntry remove(base::UserVa page, excache::Mark mark) override {
    Slot& slot = entries_[number(page)];
    const excache::PageEntry old = slot.entry;
    slot.entry = {.mark = mark};
    return old;
  }
  void set_mark(base::UserVa page, excache::Mark mark) override {
    require(prepared_.contains(number(page)), "set_mark() without prepare()");
    Slot& slot = entries_[number(page)];
    require(!slot.entry.present, "set_mark() of a present entry");
    slot.entry = {.mark = mark};
    if (mark == excache::Mark::None) entries_.erase(number(page));
  }
  excache::PageEntry protect(base::UserVa page, excache::PageRights rights) override {
    Slot& slot = present(page);
    const excache::PageEntry old = slot.entry;
    slot.entry.writable = rights.write;
    slot.entry.executable = rights.execute;
    return old;
  }
  excache::PageEntry protect_and_clean(base::UserVa page, excache::PageRights rights) override {
    const excache::PageEntry old = protect(page, rights);
    present(page).entry.dirty = false;
    return old;
  }
  bool clear_accessed(base::UserVa page) override { return std::exchange(present(page).entry.accessed, false); }
  base::UserVa visit(vma::Range range, unsigned limit, excache::PageVisitor& visitor) override {
    std::vector<std::uint64_t> found;
    auto position = entries_.lower_bound(number(range.start));
    for (; position != entries_.end() && position->first < number(range.end) && found.size() < limit; ++position)
      found.push_back(position->first);
    const bool more = position != entries_.end() && position->first < number(range.end);
    const base::UserVa next = more ? base::UserVa(position->first << base::page_shift) : range.end;
    for (std::uint64_t page : found) {
      const excache::PageEntry entry = entries_[page].entry;
      if (entry.present || entry.mark != excache::Mark::None)
        visitor.visit(base::UserVa(page << base::page_shift), entry);
    }
    return next;
  }
  void shoot_down(std::span<const base::UserVa> pages) override {
    lines_.maybe_yield();
    for (Tlb* tlb : std::vector<Tlb*>(cores)) {
      if (std::find(cores.begin(), cores.end(), tlb) == cores.end()) continue;  // gone meanwhile
      for (base::UserVa page : pages) tlb->erase(number(page));
      lines_.maybe_yield();
    }
  }

  // What a processor does with an access: the translation, or nothing (a fault).
  std::optional<Translation> walk(std::uint64_t page, excache::Access access) {
    auto found = entries_.find(page);
    if (found == entries_.end() || !found->second.entry.present) return {};
    excache::PageEntry& entry = found->second.entry;
    if (access == excache::Access::Write && !entry.writable) return {};
    if (access == excache::Access::Execute && !entry.executable) return {};
    entry.accessed = true;
    if (access == excache::Access::Write) entry.dirty = true;
    return Translation{found->second.line, entry.writable, entry.executable, entry.dirty};
  }
  // The line that is mapped, without a trace.
  std::optional<std::uint32_t> mapped_line(std::uint64_t page) const {
    auto found = entries_.find(page);
    if (found == entries_.end() || !found->second.entry.present) return {};
    return found->second.line;
  }
  bool empty() const { return entries_.empty(); }

 private:
  struct Slot {
    excache::PageEntry entry;
    std::uint32_t line = 0;
  };
  static std::uint64_t number(base::UserVa page) { return page.value() >> base::page_shift; }
  Slot& present(base::UserVa page) {
    auto found = entries_.find(number(page));
    require(found != entries_.end() && found->second.entry.present, "a present entry was expected");
    return found->second;
  }

  Scheduler& scheduler_;
  Lines& lines_;
  std::map<std::uint64_t, Slot> entries_;
  std::set<std::uint64_t> prepared_;
};

// A core's access to several pages at once, as one instruction makes it: all of them are translated, or the first that
// is not is a fault.
struct Touch {
  std::uint64_t page;
  excache::Access access;
};

class Core {
 public:
  Core(Scheduler& scheduler, FakePageTable& table) : scheduler_(scheduler), table_(table) {
    table_.cores.push_back(&tlb_);
  }
  ~Core() { std::erase(table_.cores, &tlb_); }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // The lines of the pages; or the touch that faults.
  std::optional<Touch> translate(std::span<const Touch> touches, std::vector<std::uint32_t>& lines) {
    if (!tlb_.empty() && scheduler_.random.below(4) == 0) tlb_.erase(tlb_.begin());  // no room
    lines.clear();
    for (const Touch& touch : touches) {
      auto known = tlb_.find(touch.page);
      const bool good = known != tlb_.end() &&
                        (touch.access != excache::Access::Write || (known->second.writable && known->second.dirty)) &&
                        (touch.access != excache::Access::Execute || known->second.executable);
      if (!good) {
        // A store through a clean translation, too, makes the processor look at the entry again.
        if (known != tlb_.end()) tlb_.erase(known);
        auto walked = table_.walk(touch.page, touch.access);
        if (!walked) return touch;
        known = tlb_.emplace(touch.page, *walked).first;
      }
      lines.push_back(known->second.line);
    }
    return {};
  }

 private:
  Scheduler& scheduler_;
  FakePageTable& table_;
  Tlb tlb_;
};

}  // namespace testing_support

// SPDX-License-Identifier: Apache-2.0
// A user page table as the ExCache needs it; over arch::PageTable on a pComponent, a fake in tests. An entry maps a
// line, or is absent and carries a Mark. All calls but shoot_down() come with the ExCache's lock held; accessed and
// dirty bits are set meanwhile by processors.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/base/error.h"
#include "kernel/base/types.h"
#include "kernel/vma/vma.h"

namespace excache {

// What an absent entry knows about its page. Both bits cannot be set at once.
enum class Mark : std::uint8_t {
  None = 0,
  Content = 1,  // the home has a private page for this address
  Cached = 2,   // the ExCache has a tag for this address; the tag knows about content
};

struct PageEntry {
  bool present = false;
  bool writable = false;
  bool executable = false;
  bool accessed = false;
  bool dirty = false;
  Mark mark = Mark::None;  // of an absent one
};

struct PageRights {
  bool write = false;
  bool execute = false;
  bool operator==(const PageRights&) const = default;
};

class PageVisitor {
 public:
  // May change this entry.
  virtual void visit(base::UserVa page, const PageEntry& entry) = 0;

 protected:
  ~PageVisitor() = default;
};

class PageTable {
 public:
  virtual PageEntry read(base::UserVa page) const = 0;
  // Makes sure that the calls below cannot fail for this page. NoMemory.
  virtual base::Result<> prepare(base::UserVa page) = 0;
  // Absent -> present, neither accessed nor dirty. Prepared.
  virtual void install(base::UserVa page, base::PhysAddr frame, PageRights rights) = 0;
  // Present -> absent; the final entry is returned.
  virtual PageEntry remove(base::UserVa page, Mark mark) = 0;
  // Absent: changes the mark. Prepared, or it has a mark already.
  virtual void set_mark(base::UserVa page, Mark mark) = 0;
  // Present: changes the rights, keeps accessed and dirty; or clears dirty. The old entry is returned.
  virtual PageEntry protect(base::UserVa page, PageRights rights) = 0;
  virtual PageEntry protect_and_clean(base::UserVa page, PageRights rights) = 0;
  // Present: whether it was accessed; clears that.
  virtual bool clear_accessed(base::UserVa page) = 0;
  // Visits entries that are present or marked, in rising order from range.start, at most `limit`. Returns where to go
  // on; range.end when all have been visited.
  virtual base::UserVa visit(vma::Range range, unsigned limit, PageVisitor& visitor) = 0;

  // No processor uses an old translation of these pages any more when it returns. Called without a lock.
  virtual void shoot_down(std::span<const base::UserVa> pages) = 0;

 protected:
  ~PageTable() = default;
};

}  // namespace excache

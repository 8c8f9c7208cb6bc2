// SPDX-License-Identifier: Apache-2.0
// The page table of a user address space behind the ExCache's interface, and the TLB domain of the cores that use it.
// An absent entry carries the ExCache's Mark in its software bits. Changed under the ExCache's lock alone, while
// processors set accessed and dirty bits.
#pragma once

#include "arch/x86_64/paging.h"
#include "arch/x86_64/tlb_shootdown.h"
#include "kernel/base/error.h"
#include "processor/excache/page_table.h"

namespace processor {

class UserPageTable final : public excache::PageTable {
 public:
  // `root` comes from kernel::make_user_root(); it is freed by end() or with this object.
  explicit UserPageTable(base::PhysAddr root);
  ~UserPageTable();
  arch::TlbDomain& domain() { return domain_; }
  // No core has it loaded afterwards, and all its tables are free. No thread of it is left.
  void end();

  excache::PageEntry read(base::UserVa page) const override;
  base::Result<> prepare(base::UserVa page) override;
  void install(base::UserVa page, base::PhysAddr frame, excache::PageRights rights) override;
  excache::PageEntry remove(base::UserVa page, excache::Mark mark) override;
  void set_mark(base::UserVa page, excache::Mark mark) override;
  excache::PageEntry protect(base::UserVa page, excache::PageRights rights) override;
  excache::PageEntry protect_and_clean(base::UserVa page, excache::PageRights rights) override;
  bool clear_accessed(base::UserVa page) override;
  base::UserVa visit(vma::Range range, unsigned limit, excache::PageVisitor& visitor) override;
  void shoot_down(std::span<const base::UserVa> pages) override;

 private:
  arch::PageTable table_;
  arch::TlbDomain domain_;
  bool ended_ = false;
};

}  // namespace processor

// SPDX-License-Identifier: Apache-2.0
// An address space as the ExCache sees it: VMAs, page table, and the homes of its vRegions. `lock` guards the VMAs and
// is taken before the ExCache's lock, which guards the rest. While a range is frozen (an operation on it is under way),
// faults in it wait and its lines are neither evicted nor written back. While a range is held (the home has not said
// yet that it is mapped there too), its lines stay as well, but faults go on.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernel/base/array.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/types.h"
#include "kernel/base/waiter.h"
#include "kernel/vma/vma_set.h"
#include "processor/excache/home.h"
#include "processor/excache/page_table.h"

namespace excache {

// Ranges of a space that its home has not confirmed yet.
inline constexpr unsigned max_held_ranges = 32;

class Space {
 public:
  Space(base::SpaceId space_id, PageTable& page_table) : id(space_id), table(page_table) {}
  Space(const Space&) = delete;
  Space& operator=(const Space&) = delete;

  const base::SpaceId id;
  PageTable& table;

  base::SpinLock lock{base::LockRank::Memory};
  vma::VmaSet vmas;                                    // guarded by lock
  std::uint64_t stack_limit = std::uint64_t{8} << 20;  // guarded by lock

 private:
  friend class ExCache;
  struct Owner {
    std::uint64_t vregion;
    Home* home;
  };
  bool frozen(std::uint64_t page) const {
    for (unsigned i = 0; i < frozen_count_; ++i)
      if (frozen_[i].contains(base::UserVa(page << base::page_shift))) return true;
    return false;
  }

  // Whether its home may not have heard yet that the page is mapped.
  bool held(std::uint64_t page) const {
    for (unsigned i = 0; i < held_count_; ++i)
      if (held_[i].contains(base::UserVa(page << base::page_shift))) return true;
    return false;
  }

  base::Array<Owner> owners_;  // by vregion
  std::array<vma::Range, 2> frozen_;
  unsigned frozen_count_ = 0;
  std::array<vma::Range, max_held_ranges> held_;  // oldest first
  unsigned held_count_ = 0;
  base::WaitQueue waiters_;  // for the end of the operation, or for frames
  void count_mapped() { most_mapped_pages_ = std::max(most_mapped_pages_, ++mapped_pages_); }
  std::uint64_t mapped_pages_ = 0, most_mapped_pages_ = 0;
  std::uint64_t tags_ = 0;
  std::uint32_t granted_frames_ = 0;  // that the home has promised, while it is low
  bool asking_frames_ = false;
  bool frames_denied_ = false;
};

}  // namespace excache

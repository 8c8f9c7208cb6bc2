// SPDX-License-Identifier: Apache-2.0
// When a shared anonymous object ends: its creator has released it and no VMA of a space here maps it. Objects that are
// still the creator's cost nothing; for released ones the spaces are searched when a VMA that maps one goes away.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "memory/pages/page_holder.h"
#include "memory/space/space.h"

namespace memory {

class SharedObjects {
 public:
  explicit SharedObjects(PageHolders& holders) : holders_(holders) {}

  // The creator gives it up.
  void release(PageHolder& object);
  // Appends the released objects that VMAs in the range map.
  base::Result<> mapped_in(const Space& space, vma::Range range, base::Array<std::uint64_t>& objects) const;
  // These may have lost a mapping.
  void unmapped(std::span<const std::uint64_t> objects);

 private:
  bool is_released(std::uint64_t object) const;
  bool is_mapped(std::uint64_t object);
  void end_if_unmapped(std::uint64_t object);

  PageHolders& holders_;
  base::Array<std::uint64_t> released_;
};

}  // namespace memory

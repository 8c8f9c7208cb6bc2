// SPDX-License-Identifier: Apache-2.0
// A process's address space: see space.h.
#include "memory/space/space.h"

#include <algorithm>

namespace memory {

using base::page_bytes;
using base::Result;
using messages::VRegionOwner;

namespace {
bool index_below(const VRegionOwner& owner, std::uint64_t index) { return owner.index < index; }
}  // namespace

const VRegionOwner* Space::owner_of(std::uint64_t vregion) const {
  const auto* found = std::lower_bound(owners_.begin(), owners_.end(), vregion, index_below);
  return found != owners_.end() && found->index == vregion ? found : nullptr;
}

Result<> Space::add_owner(const VRegionOwner& owner) {
  const auto* place = std::lower_bound(owners_.begin(), owners_.end(), owner.index.get(), index_below);
  return owners_.insert(static_cast<std::size_t>(place - owners_.begin()), owner);
}

Result<> Space::unowned_vregions(std::uint64_t address, std::uint64_t bytes, std::size_t limit,
                                 base::Array<std::uint64_t>& result) const {
  const std::uint64_t first = address >> base::vregion_shift, last = (address + bytes - 1) >> base::vregion_shift;
  if (last - first >= limit + owners_.size()) return {};
  const std::size_t before = result.size();
  for (std::uint64_t vregion = first; vregion <= last; ++vregion) {
    if (owner_of(vregion) != nullptr) continue;
    if (result.size() - before == limit) {
      while (result.size() > before) result.pop_back();
      return {};
    }
    TRY(result.push_back(vregion));
  }
  return {};
}

void Space::discard(vma::Range range) { pages.erase_range(range.start.value() / page_bytes, range.pages()); }

Result<> Space::fork_into(Space& child) const {
  TRY(child.vmas.copy_from(vmas));
  TRY(child.owners_.append(owners_.span()));
  return pages.share_with(child.pages);
}

}  // namespace memory

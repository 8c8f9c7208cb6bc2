// SPDX-License-Identifier: Apache-2.0
// When a shared anonymous object ends: see shared_objects.h.
#include "memory/service/shared_objects.h"

#include <algorithm>

namespace memory {

bool SharedObjects::is_released(std::uint64_t object) const {
  return std::find(released_.begin(), released_.end(), object) != released_.end();
}

bool SharedObjects::is_mapped(std::uint64_t object) {
  for (PageHolder* holder = holders_.at_or_after(0); holder != nullptr; holder = holders_.after(holder->id())) {
    if (holder->kind() != HolderKind::Space) continue;
    const vma::VmaSet& vmas = static_cast<Space&>(*holder).vmas;
    for (const vma::Vma* area = vmas.first(); area != nullptr; area = vmas.next(*area))
      if (area->object.value() == object) return true;
  }
  return false;
}

void SharedObjects::release(PageHolder& object) {
  const std::uint64_t id = object.id();
  if (is_released(id)) return;
  // Without memory to remember it, it stays until the component ends: no crash, no early end.
  if (released_.push_back(id)) end_if_unmapped(id);
}

void SharedObjects::end_if_unmapped(std::uint64_t object) {
  if (is_mapped(object)) return;
  const auto* found = std::find(released_.begin(), released_.end(), object);
  if (found == released_.end()) return;
  released_.erase(static_cast<std::size_t>(found - released_.begin()));
  PageHolder* holder = holders_.at_or_after(object);
  LEGO_ASSERT(holder != nullptr && holder->id() == object);
  holders_.remove(*holder);
}

base::Result<> SharedObjects::mapped_in(const Space& space, vma::Range range,
                                        base::Array<std::uint64_t>& objects) const {
  if (released_.empty()) return {};
  for (const vma::Vma* area = space.vmas.find_from(range.start); area != nullptr && area->range.start < range.end;
       area = space.vmas.next(*area))
    if (area->object && is_released(area->object.value())) TRY(objects.push_back(area->object.value()));
  return {};
}

void SharedObjects::unmapped(std::span<const std::uint64_t> objects) {
  for (const std::uint64_t object : objects) end_if_unmapped(object);
}

}  // namespace memory

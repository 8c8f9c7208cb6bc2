// SPDX-License-Identifier: Apache-2.0
#include "net/roce/memory_table.h"

#include <bit>

namespace roce {

Result<> MemoryTable::initialize(std::uint32_t regions, base::Random& random) {
  TRY(regions_.resize(regions));
  index_bits_ = static_cast<std::uint32_t>(std::bit_width(regions - 1));
  for (std::uint32_t i = 0; i < regions; ++i) {
    regions_[i].generation = static_cast<std::uint32_t>(random.next());
    regions_[i].next_free = i + 1;
  }
  return {};
}

Result<std::uint32_t> MemoryTable::add(const void* domain, std::uint64_t address, std::uint64_t length,
                                       verbs::Access access) {
  if (address + length < address) return base::fail(Error::InvalidArgument);
  // As in libibverbs: who may be written by a peer must be writable here.
  const bool remote_change =
      verbs::allows(access, verbs::Access::RemoteWrite) || verbs::allows(access, verbs::Access::RemoteAtomic);
  if (remote_change && !verbs::allows(access, verbs::Access::LocalWrite)) return base::fail(Error::InvalidArgument);
  if (free_ == regions_.size()) return base::fail(Error::Exhausted);
  const std::uint32_t index = free_;
  Region& region = regions_[index];
  free_ = region.next_free;
  ++region.generation;
  region.live = true;
  region.access = access;
  region.domain = domain;
  region.address = address;
  region.length = length;
  return region.generation << index_bits_ | index;
}

void MemoryTable::remove(std::uint32_t key) {
  const std::uint32_t index = key & index_mask();
  LEGO_ASSERT(find(key) != nullptr);
  regions_[index].live = false;
  regions_[index].next_free = free_;
  free_ = index;
}

const MemoryTable::Region* MemoryTable::find(std::uint32_t key) const {
  const std::uint32_t index = key & index_mask();
  if (index >= regions_.size()) return nullptr;
  const Region& region = regions_[index];
  return region.live && (region.generation << index_bits_ | index) == key ? &region : nullptr;
}

MemoryFault MemoryTable::check(std::uint32_t key, const void* domain, std::uint64_t address, std::uint64_t length,
                               verbs::Access access) const {
  const Region* region = find(key);
  if (region == nullptr) return MemoryFault::Key;
  if (region->domain != domain) return MemoryFault::Domain;
  if (address < region->address || length > region->length || address - region->address > region->length - length) {
    return MemoryFault::Bounds;
  }
  return verbs::allows(region->access, access) ? MemoryFault::None : MemoryFault::Access;
}

}  // namespace roce

// SPDX-License-Identifier: Apache-2.0
// A process's address space at an mComponent. At its home it has the VMAs and knows who owns each vRegion (1 GiB); at
// another owner it only holds the pages of the vRegions there. A vRegion without an owner entry is the home's.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "kernel/vma/vma_set.h"
#include "memory/pages/page_holder.h"
#include "net/messages/space.h"

namespace memory {

enum class SpaceRole : std::uint8_t { Home, Owner };

class Space final : public PageHolder {
 public:
  Space(std::uint64_t id, base::VNodeId vnode, SpaceRole role, FrameStore& store)
      : PageHolder(id, vnode, HolderKind::Space, store), role_(role) {}

  SpaceRole role() const { return role_; }
  vma::VmaSet vmas;

  std::span<const messages::VRegionOwner> owners() const { return owners_.span(); }
  const messages::VRegionOwner* owner_of(std::uint64_t vregion) const;
  base::Result<> add_owner(const messages::VRegionOwner& owner);

  // Appends the vRegions in [address, address + bytes) that have no owner yet; at most `limit` of them, or none at all
  // if there are more (then they stay the home's).
  base::Result<> unowned_vregions(std::uint64_t address, std::uint64_t bytes, std::size_t limit,
                                  base::Array<std::uint64_t>& result) const;

  // Drops the pages of a range.
  void discard(vma::Range range);
  // Shares VMAs, owners and pages with `child`, which is new. On an error the child is to be thrown away.
  base::Result<> fork_into(Space& child) const;

 private:
  SpaceRole role_;
  base::Array<messages::VRegionOwner> owners_;  // by index
};

}  // namespace memory

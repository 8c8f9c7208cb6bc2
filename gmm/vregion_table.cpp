// SPDX-License-Identifier: Apache-2.0
// vRegions: see vregion_table.h.
#include "gmm/vregion_table.h"

#include <algorithm>
#include <tuple>

namespace gmm {

Result<Node*> VRegionTable::assign(const SpaceName& space, base::VRegionIndex index, NodeTable& nodes) {
  const VRegion* place = std::lower_bound(
      regions_.begin(), regions_.end(), std::tie(space, index),
      [](const VRegion& region, const auto& wanted) { return std::tie(region.space, region.index) < wanted; });
  if (place != regions_.end() && place->space == space && place->index == index) {
    Node* owner = nodes.find(place->owner);
    if (owner == nullptr || !owner->alive()) return base::fail(Error::PeerDead);
    return owner;
  }
  if (regions_.size() >= max_vregions) return base::fail(Error::Exhausted);
  const auto position = static_cast<std::size_t>(place - regions_.begin());
  Node* owner = TRY(memories_.next(nodes));
  TRY(regions_.insert(position, {space, index, owner->id}));
  return owner;
}

void VRegionTable::erase(Range range) {
  const std::size_t removed = range.end - range.begin;
  std::move(regions_.begin() + range.end, regions_.end(), regions_.begin() + range.begin);
  for (std::size_t i = 0; i < removed; ++i) regions_.pop_back();
}

void VRegionTable::release(const SpaceName& space) {
  const auto range = std::equal_range(regions_.begin(), regions_.end(), VRegion{space, {}, {}},
                                      [](const VRegion& a, const VRegion& b) { return a.space < b.space; });
  erase({static_cast<std::size_t>(range.first - regions_.begin()),
         static_cast<std::size_t>(range.second - regions_.begin())});
}

void VRegionTable::node_gone(base::NodeId home) {
  const auto range = std::equal_range(regions_.begin(), regions_.end(), VRegion{{home, {}}, {}, {}},
                                      [](const VRegion& a, const VRegion& b) { return a.space.home < b.space.home; });
  erase({static_cast<std::size_t>(range.first - regions_.begin()),
         static_cast<std::size_t>(range.second - regions_.begin())});
}

std::size_t VRegionTable::count_on(base::NodeId owner) const {
  return static_cast<std::size_t>(
      std::count_if(regions_.begin(), regions_.end(), [&](const VRegion& region) { return region.owner == owner; }));
}

}  // namespace gmm

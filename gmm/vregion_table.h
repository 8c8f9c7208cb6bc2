// SPDX-License-Identifier: Apache-2.0
// vRegions: which mComponent owns which GiB of a space. A space is named by its home mComponent and the id that the
// home gave it. An assignment stays until the space is released or its home is gone; new ones go in turn.
#pragma once

#include "gmm/placement.h"

namespace gmm {

struct SpaceName {
  base::NodeId home;
  base::SpaceId space;
  auto operator<=>(const SpaceName&) const = default;
};

struct VRegion {
  SpaceName space;
  base::VRegionIndex index;
  base::NodeId owner;
};

class VRegionTable {
 public:
  // The owner of one vRegion, assigned now if it has none. NoDevice: no mComponent is alive.
  Result<Node*> assign(const SpaceName& space, base::VRegionIndex index, NodeTable& nodes);
  void release(const SpaceName& space);
  // What homes that are gone asked for; what a dead owner held stays (its pages are lost, and that must show).
  void node_gone(base::NodeId home);
  std::size_t count() const { return regions_.size(); }
  std::size_t count_on(base::NodeId owner) const;

 private:
  struct Range {
    std::size_t begin;
    std::size_t end;
  };
  void erase(Range range);

  base::Array<VRegion> regions_;  // by (space, index)
  Turn memories_{messages::ComponentKind::Memory};
};

}  // namespace gmm

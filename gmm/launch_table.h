// SPDX-License-Identifier: Apache-2.0
// Launches: which pComponent runs which program's family. A launch goes to the pComponent with the fewest launches for
// each of its cores; among equals they take turns.
#pragma once

#include "gmm/placement.h"

namespace gmm {

struct Launch {
  base::LaunchId id;
  base::VNodeId vnode;
  base::NodeId processor;
  base::NodeId client;  // that started it
};

class LaunchTable {
 public:
  // NoDevice: no pComponent is alive.
  Result<const Launch*> assign(base::VNodeId vnode, base::NodeId client, NodeTable& nodes);
  Result<> end(base::LaunchId id);
  // Of a dead pComponent or a client that is gone.
  void node_gone(base::NodeId node);
  void vnode_gone(base::VNodeId vnode);
  const Launch* find(base::LaunchId id) const;
  std::size_t count() const { return launches_.size(); }
  std::size_t count_on(base::NodeId processor) const;

  std::uint64_t last_id() const { return last_id_; }
  void skip_ids_to(std::uint64_t last) { last_id_ = last; }

 private:
  base::Array<Launch> launches_;
  std::uint64_t last_id_ = 0;
  base::NodeId last_processor_;
};

}  // namespace gmm

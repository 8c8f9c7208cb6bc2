// SPDX-License-Identifier: Apache-2.0
// Launches: see launch_table.h.
#include "gmm/launch_table.h"

#include <algorithm>

namespace gmm {

Result<const Launch*> LaunchTable::assign(base::VNodeId vnode, base::NodeId client, NodeTable& nodes) {
  if (launches_.size() >= max_launches) return base::fail(Error::Exhausted);
  const Node* best = nullptr;
  std::size_t best_count = 0;
  const Node* candidate = nodes.after(last_processor_, messages::ComponentKind::Processor);
  if (candidate == nullptr) return base::fail(Error::NoDevice);
  const base::NodeId first = candidate->id;
  do {
    const std::size_t count = count_on(candidate->id);
    // count / cores < best_count / best->cores
    const std::uint64_t cores = std::max(candidate->cores, 1u);
    if (best == nullptr || count * std::max(best->cores, 1u) < best_count * cores) {
      best = candidate;
      best_count = count;
    }
    candidate = nodes.after(candidate->id, messages::ComponentKind::Processor);
  } while (candidate->id != first);
  TRY(launches_.push_back({base::LaunchId(last_id_ + 1), vnode, best->id, client}));
  ++last_id_;
  last_processor_ = best->id;
  return &launches_.back();
}

Result<> LaunchTable::end(base::LaunchId id) {
  for (std::size_t i = 0; i < launches_.size(); ++i) {
    if (launches_[i].id != id) continue;
    launches_.erase(i);
    return {};
  }
  return base::fail(Error::NotFound);
}

void LaunchTable::node_gone(base::NodeId node) {
  for (std::size_t i = launches_.size(); i-- > 0;) {
    if (launches_[i].processor == node || launches_[i].client == node) launches_.erase(i);
  }
}

void LaunchTable::vnode_gone(base::VNodeId vnode) {
  for (std::size_t i = launches_.size(); i-- > 0;) {
    if (launches_[i].vnode == vnode) launches_.erase(i);
  }
}

const Launch* LaunchTable::find(base::LaunchId id) const {
  const Launch* found =
      std::find_if(launches_.begin(), launches_.end(), [&](const Launch& launch) { return launch.id == id; });
  return found != launches_.end() ? found : nullptr;
}

std::size_t LaunchTable::count_on(base::NodeId processor) const {
  return static_cast<std::size_t>(std::count_if(launches_.begin(), launches_.end(),
                                                [&](const Launch& launch) { return launch.processor == processor; }));
}

}  // namespace gmm

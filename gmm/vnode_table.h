// SPDX-License-Identifier: Apache-2.0
// vNodes: each has an id, an address of its own, a home mComponent for its files and maps, and the sComponent with its
// root. Addresses are 10.78.0.1 and up, and like ids are not used again before all have been.
#pragma once

#include "gmm/placement.h"

namespace gmm {

struct VNode {
  base::VNodeId id;
  std::uint32_t ip = 0;
  base::NodeId home_memory;
  base::NodeId storage;
  base::NodeId owner;  // the client that made it; 0: it stays when its client goes
  messages::Name hostname{};
};

class VNodeTable {
 public:
  // storage: the sComponent with its root; 0 takes one in turn. NoDevice: no mComponent, or no (such) sComponent, is alive.
  Result<const VNode*> create(const messages::Name& hostname, base::NodeId owner, NodeTable& nodes,
                              base::NodeId storage = {});
  Result<> destroy(base::VNodeId id);
  void owner_gone(base::NodeId owner);
  const VNode* find(base::VNodeId id) const;
  std::size_t count() const { return vnodes_.size(); }

  std::uint64_t last_id() const { return last_id_; }
  void skip_ids_to(std::uint64_t last) { last_id_ = last; }

 private:
  base::Array<VNode> vnodes_;
  std::uint64_t last_id_ = 0;
  Turn memories_{messages::ComponentKind::Memory};
  Turn storages_{messages::ComponentKind::Storage};
};

}  // namespace gmm

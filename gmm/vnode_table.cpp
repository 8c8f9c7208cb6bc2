// SPDX-License-Identifier: Apache-2.0
// vNodes: see vnode_table.h.
#include "gmm/vnode_table.h"

#include <algorithm>

namespace gmm {

namespace {
constexpr std::uint32_t first_address = 0x0a4e0001;  // 10.78.0.1
constexpr std::uint32_t addresses = 65534;
static_assert(max_vnodes < addresses);

Result<base::NodeId> living_storage(NodeTable& nodes, base::NodeId id) {
  const Node* node = nodes.find(id);
  if (node == nullptr || !node->alive() || node->kind != messages::ComponentKind::Storage)
    return base::fail(Error::NoDevice);
  return id;
}
}  // namespace

Result<const VNode*> VNodeTable::create(const messages::Name& hostname, base::NodeId owner, NodeTable& nodes,
                                         base::NodeId storage) {
  if (vnodes_.size() >= max_vnodes) return base::fail(Error::Exhausted);
  VNode vnode;
  vnode.storage = storage ? TRY(living_storage(nodes, storage)) : TRY(storages_.next(nodes))->id;
  vnode.home_memory = TRY(memories_.next(nodes))->id;
  vnode.owner = owner;
  vnode.hostname = hostname;
  // An address that a living vNode still has is passed over.
  do {
    vnode.id = base::VNodeId(++last_id_);
    vnode.ip = first_address + static_cast<std::uint32_t>((last_id_ - 1) % addresses);
  } while (std::any_of(vnodes_.begin(), vnodes_.end(), [&](const VNode& other) { return other.ip == vnode.ip; }));
  TRY(vnodes_.push_back(vnode));
  return &vnodes_.back();
}

Result<> VNodeTable::destroy(base::VNodeId id) {
  for (std::size_t i = 0; i < vnodes_.size(); ++i) {
    if (vnodes_[i].id != id) continue;
    vnodes_.erase(i);
    return {};
  }
  return base::fail(Error::NotFound);
}

void VNodeTable::owner_gone(base::NodeId owner) {
  for (std::size_t i = vnodes_.size(); i-- > 0;) {
    if (owner && vnodes_[i].owner == owner) vnodes_.erase(i);
  }
}

const VNode* VNodeTable::find(base::VNodeId id) const {
  const VNode* found = std::find_if(vnodes_.begin(), vnodes_.end(), [&](const VNode& vnode) { return vnode.id == id; });
  return found != vnodes_.end() ? found : nullptr;
}

}  // namespace gmm

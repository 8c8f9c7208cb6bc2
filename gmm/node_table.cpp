// SPDX-License-Identifier: Apache-2.0
// The nodes of the rack: see node_table.h.
#include "gmm/node_table.h"

#include <algorithm>

#include "kernel/base/clock.h"

namespace gmm {

messages::NodeEntry Node::entry() const {
  messages::NodeEntry entry;
  entry.node = id.value();
  entry.ip = ip;
  entry.boot_id = boot_id.value();
  entry.memory_bytes = memory_bytes;
  entry.kind = static_cast<std::uint8_t>(kind);
  entry.alive = alive() ? 1 : 0;
  entry.cores = cores;
  entry.name = name;
  return entry;
}

Result<Node*> NodeTable::join(const messages::JoinRequest& request, std::uint64_t now_ns) {
  if (Node* known = find_boot(base::BootId(request.boot_id))) {
    if (!known->alive()) return base::fail(Error::Stale);
    known->last_heard_ns = now_ns;
    return known;
  }
  if (living_at(request.ip) != nullptr) return base::fail(Error::Exists);
  if (nodes_.size() >= max_nodes && !make_room()) return base::fail(Error::Exhausted);
  Node node;
  node.id = base::NodeId(last_id_ + 1);
  node.boot_id = base::BootId(request.boot_id);
  node.kind = static_cast<messages::ComponentKind>(request.kind);
  node.ip = request.ip;
  node.cores = request.cores;
  node.memory_bytes = request.memory_bytes;
  node.frames_total = node.frames_free = request.memory_bytes / base::page_bytes;
  node.last_heard_ns = now_ns;
  node.name = request.name;
  TRY(nodes_.push_back(node));
  ++last_id_;
  ++version_;
  return &nodes_.back();
}

// Forgets the node that ended first. Its id is not used again, so it looks as if it never was.
bool NodeTable::make_room() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].alive()) continue;
    nodes_.erase(i);
    return true;
  }
  return false;
}

Result<> NodeTable::heard(base::NodeId id, const messages::HeartbeatRequest& request, std::uint64_t now_ns) {
  Node* node = find(id);
  if (node == nullptr || !node->alive() || node->boot_id.value() != request.boot_id) return base::fail(Error::Stale);
  node->last_heard_ns = now_ns;
  node->frames_total = request.frames_total;
  node->frames_free = request.frames_free;
  node->load = request.load;
  return {};
}

NodeTable::Memory NodeTable::memory() const {
  Memory memory;
  for (const Node& node : nodes_) {
    if (!node.alive() || node.kind != messages::ComponentKind::Memory) continue;
    memory.total_bytes += node.memory_bytes;
    memory.free_bytes += std::min(node.frames_free * base::page_bytes, node.memory_bytes);
  }
  return memory;
}

void NodeTable::end(Node& node, NodeState state) {
  node.state = state;
  ++version_;
}

void NodeTable::leave(base::NodeId id) {
  Node* node = find(id);
  if (node != nullptr && node->alive()) end(*node, NodeState::Left);
}

void NodeTable::declare_dead(base::NodeId id) {
  Node* node = find(id);
  if (node != nullptr && node->alive()) end(*node, NodeState::Dead);
}

Node* NodeTable::find(base::NodeId id) {
  Node* found = std::lower_bound(nodes_.begin(), nodes_.end(), id,
                                 [](const Node& node, base::NodeId wanted) { return node.id < wanted; });
  return found != nodes_.end() && found->id == id ? found : nullptr;
}

Node* NodeTable::find_boot(base::BootId boot_id) {
  Node* found = std::find_if(nodes_.begin(), nodes_.end(), [&](const Node& node) { return node.boot_id == boot_id; });
  return found != nodes_.end() ? found : nullptr;
}

Node* NodeTable::living_at(std::uint32_t ip) {
  Node* found =
      std::find_if(nodes_.begin(), nodes_.end(), [&](const Node& node) { return node.alive() && node.ip == ip; });
  return found != nodes_.end() ? found : nullptr;
}

Node* NodeTable::silent(std::uint64_t now_ns) {
  for (Node& node : nodes_) {
    if (node.alive() && now_ns - node.last_heard_ns >= lease_ns) return &node;
  }
  return nullptr;
}

std::uint64_t NodeTable::next_silence_ns() const {
  std::uint64_t next = base::never_ns;
  for (const Node& node : nodes_) {
    if (node.alive()) next = std::min(next, node.last_heard_ns + lease_ns);
  }
  return next;
}

Node* NodeTable::after(base::NodeId last, messages::ComponentKind kind) {
  Node* first = nullptr;
  for (Node& node : nodes_) {
    if (!node.alive() || node.kind != kind) continue;
    if (node.id > last) return &node;
    if (first == nullptr) first = &node;
  }
  return first;
}

}  // namespace gmm

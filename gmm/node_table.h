// SPDX-License-Identifier: Apache-2.0
// The nodes of the rack: who joined, who is alive, and who is next for something. Ids are counted up and never reused;
// every boot of a component is a new node. Pure: time comes with each call.
#pragma once

#include <cstdint>
#include <span>

#include "gmm/limits.h"
#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/base/types.h"
#include "net/messages/membership.h"

namespace gmm {

using base::Error;
using base::Result;

enum class NodeState : std::uint8_t { Alive, Dead, Left };

struct Node {
  base::NodeId id;
  base::BootId boot_id;
  messages::ComponentKind kind{};
  NodeState state = NodeState::Alive;
  std::uint32_t ip = 0;
  std::uint32_t cores = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t frames_total = 0;  // as last told
  std::uint64_t frames_free = 0;
  std::uint64_t load = 0;
  std::uint64_t last_heard_ns = 0;
  messages::Name name{};

  bool alive() const { return state == NodeState::Alive; }
  messages::NodeEntry entry() const;
};

class NodeTable {
 public:
  // A proved component. The same boot joining again (it missed our answer) is the same node. Stale: this boot is known
  // to be dead or gone. Exists: another boot at this address is alive; it must be declared dead before.
  Result<Node*> join(const messages::JoinRequest& request, std::uint64_t now_ns);
  Result<> heard(base::NodeId id, const messages::HeartbeatRequest& request, std::uint64_t now_ns);
  void leave(base::NodeId id);
  void declare_dead(base::NodeId id);

  Node* find(base::NodeId id);
  Node* find_boot(base::BootId boot_id);
  Node* living_at(std::uint32_t ip);
  // Of all living mComponents.
  struct Memory {
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes = 0;
  };
  Memory memory() const;
  std::span<Node> all() { return nodes_.span(); }
  std::uint64_t version() const { return version_; }
  // A living node of which nothing was heard for the length of a lease; null: there is none.
  Node* silent(std::uint64_t now_ns);
  // When silent() may find somebody.
  std::uint64_t next_silence_ns() const;

  // The next living node of a kind after `last`, in order of ids and round again.
  Node* after(base::NodeId last, messages::ComponentKind kind);

  std::uint32_t last_id() const { return last_id_; }
  void skip_ids_to(std::uint32_t last) { last_id_ = last; }  // before anybody joins

 private:
  void end(Node& node, NodeState state);
  bool make_room();

  base::Array<Node> nodes_;  // by id
  std::uint32_t last_id_ = 0;
  std::uint64_t version_ = 1;
};

}  // namespace gmm

// SPDX-License-Identifier: Apache-2.0
// Membership as the managers see it: challenges, leases, deaths. See managers.h and net/messages/membership.h.
#include <algorithm>
#include <string_view>

#include "gmm/managers.h"
#include "kernel/base/log.h"
#include "net/membership/sha256.h"

namespace gmm {

namespace {

// Entries that fit the tail of a reply.
constexpr std::size_t entries_per_reply = rpc::max_reply_tail_bytes / sizeof(messages::NodeEntry);

// Names come from components and go to logs: printable characters only.
struct PrintableName {
  explicit PrintableName(const messages::Name& name) {
    while (bytes < name.size() && name[bytes] != 0) {
      text[bytes] = name[bytes] > ' ' && name[bytes] < 127 ? name[bytes] : '?';
      ++bytes;
    }
  }
  std::string_view view() const { return {text.data(), bytes}; }
  std::array<char, 64> text;
  std::size_t bytes = 0;
};

std::string_view kind_name(messages::ComponentKind kind) {
  switch (kind) {
    case messages::ComponentKind::Processor:
      return "pComponent";
    case messages::ComponentKind::Memory:
      return "mComponent";
    case messages::ComponentKind::Storage:
      return "sComponent";
    case messages::ComponentKind::Client:
      return "client";
    case messages::ComponentKind::Managers:
      return "managers";
  }
  return "component";
}

}  // namespace

void Managers::refuse(const messages::JoinRequest& request, std::string_view why) {
  ++refused_joins_;
  const std::uint32_t ip = request.ip;
  base::log_warning("gmm", "refused {} at {}.{}.{}.{}: {}", PrintableName(request.name).view(), ip >> 24,
                    ip >> 16 & 255, ip >> 8 & 255, ip & 255, why);
}

base::Task<> Managers::join(rpc::ServerCall& call, messages::JoinRequest request) {
  if (request.version != messages::protocol_version) {
    refuse(request, "it speaks another version of the protocol");
    co_return base::fail(Error::VersionMismatch);
  }
  if (request.ip != call.peer().ip || request.boot_id != call.peer().boot_id.value()) {
    refuse(request, "it is not who its connection says");
    co_return base::fail(Error::AccessDenied);
  }
  PendingJoin pending{request, {}, loop_.now_ns()};
  entropy_.fill(std::as_writable_bytes(std::span(pending.nonce)));
  CO_TRY_VOID(joins_.add(pending));
  messages::JoinReply reply;
  reply.nonce = pending.nonce;
  reply.proof = membership::managers_proof(key_, request.nonce, pending.nonce, base::BootId(request.boot_id));
  co_return call.reply(reply);
}

base::Task<> Managers::join_prove(rpc::ServerCall& call, messages::JoinProveRequest request) {
  const base::BootId boot_id(request.boot_id);
  if (boot_id != call.peer().boot_id) co_return base::fail(Error::AccessDenied);
  const auto pending = joins_.take(boot_id, loop_.now_ns());
  if (!pending) co_return base::fail(Error::NotFound);
  const auto kind = static_cast<messages::ComponentKind>(pending->request.kind);
  const messages::Proof wanted =
      membership::component_proof(key_, pending->nonce, pending->request.nonce, boot_id, kind);
  if (!membership::equal_digests(request.proof, wanted)) {
    refuse(pending->request, "it does not have our rack key");
    co_return base::fail(Error::AuthenticationFailed);
  }
  CO_TRY(Node * node, admit(pending->request));
  call.promote({node->id, boot_id, kind, node->ip});
  messages::JoinProveReply reply;
  reply.node = node->id.value();
  reply.epoch = counters_.epoch;
  reply.wall_time_ns = wall_clock_.wall_time_ns();
  reply.heartbeat_interval_ns = heartbeat_interval_ns;
  reply.lease_ns = lease_ns;
  co_return call.reply(reply);
}

Result<Node*> Managers::admit(const messages::JoinRequest& request) {
  TRY(reserve_ids());
  Node* other = nodes_.living_at(request.ip);
  if (other != nullptr && other->boot_id.value() != request.boot_id) declare_dead(other->id);  // started again
  const auto joined = nodes_.join(request, loop_.now_ns());
  if (!joined) {
    refuse(request, base::error_name(joined.error()));
    return joined;
  }
  const Node& node = **joined;
  base::log_info("gmm", "{} joined as node {}: {} at {}.{}.{}.{}", PrintableName(node.name).view(), node.id,
                 kind_name(node.kind), node.ip >> 24, node.ip >> 16 & 255, node.ip >> 8 & 255, node.ip & 255);
  look_for_silence();  // sets the alarm
  return joined;
}

base::Task<> Managers::heartbeat(rpc::ServerCall& call, messages::HeartbeatRequest request) {
  CO_TRY_VOID(nodes_.heard(call.peer().node, request, loop_.now_ns()));
  messages::HeartbeatReply reply;
  reply.wall_time_ns = wall_clock_.wall_time_ns();
  reply.membership_version = nodes_.version();
  const NodeTable::Memory memory = nodes_.memory();
  reply.memory_bytes = memory.total_bytes;
  reply.memory_free_bytes = memory.free_bytes;
  co_return call.reply(reply);
}

base::Task<> Managers::node_lookup(rpc::ServerCall& call, messages::NodeLookupRequest request) {
  const Node* node = nodes_.find(base::NodeId(request.node));
  if (node == nullptr) co_return base::fail(Error::NotFound);
  co_return call.reply(messages::NodeLookupReply{node->entry()});
}

base::Task<> Managers::node_list(rpc::ServerCall& call, messages::NodeListRequest request) {
  const std::span<Node> all = nodes_.all();
  const std::size_t first = std::min<std::size_t>(request.first, all.size());
  std::array<messages::NodeEntry, entries_per_reply> entries;
  const std::size_t count = std::min(all.size() - first, entries.size());
  for (std::size_t i = 0; i < count; ++i) entries[i] = all[first + i].entry();
  messages::NodeListReply reply;
  reply.count = static_cast<std::uint32_t>(count);
  reply.total = static_cast<std::uint32_t>(all.size());
  reply.membership_version = nodes_.version();
  co_return call.reply(reply, std::as_bytes(std::span(entries).first(count)));
}

base::Task<> Managers::leave(rpc::ServerCall& call, messages::LeaveRequest request) {
  const Node* node = nodes_.find(call.peer().node);
  if (node == nullptr || node->boot_id.value() != request.boot_id) co_return base::fail(Error::Stale);
  if (node->alive()) {
    base::log_info("gmm", "{} left", PrintableName(node->name).view());
    nodes_.leave(node->id);
    gone(*node);
  }
  co_return call.reply(messages::EmptyReply{});
}

// --- ends ---

void Managers::declare_dead(base::NodeId id) {
  const Node* node = nodes_.find(id);
  if (node == nullptr || !node->alive()) return;
  ++deaths_;
  base::log_warning("gmm", "{} (node {}) is dead", PrintableName(node->name).view(), id);
  nodes_.declare_dead(id);
  endpoint_->declare_dead(node->boot_id);
  gone(*node);
}

// Nothing is placed on the node any more, and what it asked for is free.
void Managers::gone(const Node& node) {
  launches_.node_gone(node.id);
  vregions_.node_gone(node.id);
  if (node.kind == messages::ComponentKind::Client) vnodes_.owner_gone(node.id);
}

void Managers::look_for_silence() {
  while (const Node* node = nodes_.silent(loop_.now_ns())) declare_dead(node->id);
  const std::uint64_t next_ns = nodes_.next_silence_ns();
  if (next_ns != base::never_ns) loop_.arm(alarm_, next_ns);
}

// --- rpc::Identity ---

void Managers::fill_hello(messages::PeerHello& hello, const rpc::NodeAddress&) {
  hello.proof = membership::hello_proof(key_, hello);
}

// Everybody may connect, but who has not joined may only join.
void Managers::check_hello(const messages::PeerHello& hello, std::uint32_t ip, rpc::AdmissionId admission) {
  rpc::PeerInfo who{{}, base::BootId(hello.boot_id), messages::ComponentKind::Client, ip};
  if (hello.node != 0) {
    if (!membership::equal_digests(hello.proof, membership::hello_proof(key_, hello))) {
      endpoint_->admit(admission, base::fail(Error::AuthenticationFailed));
      return;
    }
    const Node* node = nodes_.find(base::NodeId(hello.node));
    if (node != nullptr && node->boot_id == who.boot_id && node->ip == ip) {
      if (node->state == NodeState::Dead) {
        endpoint_->admit(admission, base::fail(Error::Stale));
        return;
      }
      who.node = node->id;
      who.kind = node->kind;
    }
  }
  endpoint_->admit(admission, who);
}

}  // namespace gmm

// SPDX-License-Identifier: Apache-2.0
// Other nodes: the cache of what the managers said about them, their deaths, and who may connect to us.
#include <algorithm>
#include <cstring>

#include "kernel/base/log.h"
#include "net/membership/member.h"
#include "net/membership/sha256.h"
#include "net/rpc/await.h"

namespace membership {

namespace {
constexpr std::uint64_t lookup_timeout_ns = 5 * base::second_ns;
}

const messages::NodeEntry* Member::find(base::NodeId node) const {
  const auto* found = std::find_if(nodes_.begin(), nodes_.end(),
                                   [&](const messages::NodeEntry& entry) { return entry.node == node.value(); });
  return found == nodes_.end() ? nullptr : found;
}

void Member::remember(const messages::NodeEntry& entry) {
  for (messages::NodeEntry& known : nodes_) {
    if (known.node != entry.node) continue;
    const bool died = known.alive != 0 && entry.alive == 0;
    known = entry;
    if (!died) return;
    base::log_info("membership", "node {} is gone", base::NodeId(entry.node));
    endpoint_->declare_dead(base::BootId(entry.boot_id));
    observer_.node_died(entry);
    return;
  }
  (void)nodes_.push_back(entry);  // no memory: it is asked for again
}

base::Task<> Member::refresh_nodes(std::uint64_t version) {
  std::uint32_t first = 0;
  for (;;) {
    messages::NodeListRequest request;
    request.first = first;
    CO_TRY(auto reply, co_await rpc::call(loop_, *managers_, request, {.timeout_ns = lookup_timeout_ns}));
    const std::uint32_t count = reply.body.count;
    if (reply.tail().size() != std::size_t{count} * sizeof(messages::NodeEntry)) {
      co_return base::fail(Error::Malformed);
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      messages::NodeEntry entry;
      std::memcpy(static_cast<void*>(&entry), reply.tail().data() + i * sizeof(entry), sizeof(entry));
      if (entry.node != node_.value()) remember(entry);
    }
    first += count;
    if (count == 0 || first >= reply.body.total) break;
  }
  membership_version_ = version;
  co_return {};
}

base::Task<messages::NodeEntry> Member::look_up(base::NodeId node) {
  if (const messages::NodeEntry* known = find(node)) {
    if (known->alive == 0) co_return base::fail(Error::PeerDead);
    co_return *known;
  }
  messages::NodeLookupRequest request;
  request.node = node.value();
  CO_TRY(auto reply, co_await rpc::call(loop_, *managers_, request, {.timeout_ns = lookup_timeout_ns}));
  const messages::NodeEntry entry = reply.body.entry;
  if (entry.node != node.value()) co_return base::fail(Error::Malformed);
  remember(entry);
  if (entry.alive == 0) co_return base::fail(Error::PeerDead);
  co_return entry;
}

rpc::NodeAddress Member::address_of(const messages::NodeEntry& entry) {
  return {base::NodeId(entry.node), entry.ip, base::BootId(entry.boot_id), messages::component_port};
}

Result<rpc::Peer*> Member::peer(base::NodeId node, std::uint32_t ip, base::BootId boot_id) {
  if (!boot_id) return base::fail(Error::InvalidArgument);
  return endpoint_->peer({node, ip, boot_id, messages::component_port});
}

// --- rpc::Identity ---

void Member::fill_hello(messages::PeerHello& hello, const rpc::NodeAddress&) {
  const std::uint32_t node = hello_node_.load(std::memory_order_relaxed);
  hello.node = node;
  if (node != 0) hello.proof = hello_proof(configuration_.key, hello);
}

void Member::check_hello(const messages::PeerHello& hello, std::uint32_t ip, rpc::AdmissionId admission) {
  if (hello.node == 0 || hello.peer_boot_id != configuration_.boot_id.value() ||
      !equal_digests(hello.proof, hello_proof(configuration_.key, hello))) {
    endpoint_->admit(admission, base::fail(Error::AuthenticationFailed));
    return;
  }
  if (!has_joined() || stopping_) {
    endpoint_->admit(admission, base::fail(Error::Busy));
    return;
  }
  ++running_;
  base::spawn(check(hello, ip, admission), [this](Result<>) { --running_; });
}

base::Task<> Member::check(messages::PeerHello hello, std::uint32_t ip, rpc::AdmissionId admission) {
  const auto entry = co_await look_up(base::NodeId(hello.node));
  Result<rpc::PeerInfo> who = base::fail(Error::Busy);  // the managers cannot be asked: it may try again
  if (entry && entry->boot_id == hello.boot_id && entry->ip == ip) {
    who = rpc::PeerInfo{base::NodeId(hello.node), base::BootId(hello.boot_id),
                        static_cast<messages::ComponentKind>(entry->kind), ip};
  } else if (entry || entry.error() == Error::NotFound || entry.error() == Error::PeerDead) {
    who = base::fail(Error::AuthenticationFailed);
  }
  endpoint_->admit(admission, who);
  co_return {};
}

}  // namespace membership

// SPDX-License-Identifier: Apache-2.0
// One end of a connection with registered memory of its own, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "net/roce/testing/rig.h"

namespace roce::testing {

inline constexpr verbs::Access every_access =
    verbs::Access::LocalWrite | verbs::Access::RemoteWrite | verbs::Access::RemoteRead | verbs::Access::RemoteAtomic;

struct Endpoint {
  Endpoint(Node& node_in, std::size_t bytes, verbs::QpCapabilities capabilities = {},
           verbs::QpType type = verbs::QpType::ReliableConnected)
      : node(node_in), memory(bytes) {
    auto& device = node.engine().device();
    domain = std::move(device.allocate_protection_domain().value());
    completions = std::move(device.create_completion_queue(4096).value());
    region = std::move(domain->register_memory(address(0), bytes, every_access).value());
    verbs::QpInitAttributes attributes;
    attributes.type = type;
    attributes.send_cq = attributes.recv_cq = completions.get();
    attributes.capabilities = capabilities;
    queue_pair = std::move(device.create_queue_pair(*domain, attributes).value());
  }

  std::uint64_t address(std::size_t offset) const { return reinterpret_cast<std::uint64_t>(memory.data() + offset); }
  verbs::Sge sge(std::size_t offset, std::size_t length) const {
    return {address(offset), static_cast<std::uint32_t>(length), region->lkey()};
  }
  void fill(std::uint64_t seed) {
    base::Random random(seed);
    for (auto& byte : memory) byte = static_cast<std::byte>(random.next());
  }

  Result<> post_receive(std::uint64_t id, std::size_t offset, std::size_t length) {
    const verbs::Sge list[] = {sge(offset, length)};
    return queue_pair->post_receive({id, list});
  }
  Result<> post(std::uint64_t id, verbs::Opcode opcode, std::size_t offset, std::size_t length,
                std::uint64_t remote = 0, std::uint32_t rkey = 0) {
    const verbs::Sge list[] = {sge(offset, length)};
    verbs::SendWorkRequest request;
    request.wr_id = id;
    request.opcode = opcode;
    request.sg_list = list;
    request.remote_address = remote;
    request.rkey = rkey;
    request.immediate = static_cast<std::uint32_t>(id);
    return queue_pair->post_send(request);
  }

  // Appends what has completed.
  void poll() {
    verbs::WorkCompletion batch[16];
    while (const std::size_t count = completions->poll(batch)) done.insert(done.end(), batch, batch + count);
  }
  std::size_t completed() {
    poll();
    return done.size();
  }

  Node& node;
  std::vector<std::byte> memory;
  base::Own<verbs::ProtectionDomain> domain;
  base::Own<verbs::CompletionQueue> completions;
  base::Own<verbs::MemoryRegion> region;
  base::Own<verbs::QueuePair> queue_pair;
  std::vector<verbs::WorkCompletion> done;
};

// Brings two queue pairs up against each other without the connection manager.
inline void join(Endpoint& a, Endpoint& b, verbs::QpAttributes attributes = {}, std::uint32_t psn_a = 0x123456,
                 std::uint32_t psn_b = 0xfffff0, Family family = Family::Ipv4) {
  const auto bring_up = [&](Endpoint& end, Endpoint& other, std::uint32_t send_psn, std::uint32_t receive_psn) {
    attributes.access = every_access;
    attributes.destination = other.node.gid(family);
    attributes.destination_qpn = other.queue_pair->qp_num();
    attributes.send_psn = send_psn;
    attributes.receive_psn = receive_psn;
    for (const auto state : {verbs::QpState::Init, verbs::QpState::ReadyToReceive, verbs::QpState::ReadyToSend}) {
      attributes.state = state;
      ASSERT_TRUE(end.queue_pair->modify(attributes));
    }
  };
  bring_up(a, b, psn_a, psn_b);
  bring_up(b, a, psn_b, psn_a);
}

}  // namespace roce::testing

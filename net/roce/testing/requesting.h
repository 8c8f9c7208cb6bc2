// SPDX-License-Identifier: Apache-2.0
// A queue pair that asks a peer made by hand, for tests: what it sends is looked at packet by packet, and answered in
// any way, or not at all.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

#include "net/roce/limits.h"
#include "net/roce/testing/endpoint.h"
#include "net/roce/testing/raw_peer.h"

namespace roce::testing {

inline constexpr Psn first_psn = psn_mask - 1;  // wraps soon
inline constexpr std::uint32_t mtu = 1024;
inline constexpr std::uint64_t ms = base::millisecond_ns;

struct Requesting : ::testing::Test {
  Requesting() { bring_up({}); }

  void bring_up(verbs::QpAttributes attributes) {
    attributes.path_mtu = mtu;
    attributes.destination = peer.gid();
    attributes.destination_qpn = 0x77;
    attributes.send_psn = first_psn;
    attributes.access = every_access;
    ASSERT_TRUE(end.queue_pair->modify({}));  // to Reset
    for (const auto state : {verbs::QpState::Init, verbs::QpState::ReadyToReceive, verbs::QpState::ReadyToSend}) {
      attributes.state = state;
      ASSERT_TRUE(end.queue_pair->modify(attributes));
    }
    world.run_for(ms);  // ARP
    end.fill(1);
  }
  Psn at(std::uint32_t count) const { return psn_add(first_psn, count); }

  RecordedPacket expect(std::uint8_t code, Psn psn) {
    auto packet = peer.take();
    EXPECT_TRUE(packet);
    if (!packet) return {};
    EXPECT_EQ(packet->headers.opcode, code);
    EXPECT_EQ(packet->headers.psn, psn);
    return std::move(*packet);
  }
  void answer(std::uint8_t syndrome, Psn psn) {
    TransportHeaders h;
    h.opcode = opcode::rc_acknowledge;
    h.qpn = end.queue_pair->qp_num();
    h.psn = psn;
    h.syndrome = syndrome;
    peer.send(h);
  }
  void respond(std::uint8_t code, Psn psn, std::size_t bytes, std::byte value = {}) {
    TransportHeaders h;
    h.opcode = code;
    h.qpn = end.queue_pair->qp_num();
    h.psn = psn;
    h.syndrome = syndrome::acknowledge;
    h.original = 99;
    const std::vector<std::byte> payload(bytes, value);
    peer.send(h, payload);
  }
  void post(std::uint64_t id, verbs::Opcode opcode, std::size_t bytes) {
    ASSERT_TRUE(end.post(id, opcode, 0, bytes, 0x1000, 0x55));
  }
  void expect_completions(std::initializer_list<verbs::CompletionStatus> statuses) {
    ASSERT_EQ(end.completed(), statuses.size());
    std::uint64_t id = 0;
    for (const verbs::CompletionStatus status : statuses) {
      EXPECT_EQ(end.done[id].wr_id, id);
      EXPECT_EQ(end.done[id].status, status);
      ++id;
    }
  }
  const Counters& counters() const { return end.node.counters(); }

  World world{1};
  Endpoint end{world.add(), 1 << 20};
  RawPeer peer{world, end.node};
};

}  // namespace roce::testing

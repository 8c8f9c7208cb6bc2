// SPDX-License-Identifier: Apache-2.0
// A queue pair that answers a peer made by hand, for tests: right and wrong requests go in, packet by packet, and each
// answer is looked at.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "net/roce/testing/endpoint.h"
#include "net/roce/testing/raw_peer.h"

namespace roce::testing {

inline constexpr Psn first_psn = psn_mask - 2;  // wraps soon
inline constexpr std::uint32_t peer_qpn = 0x77;
inline constexpr std::uint32_t mtu = 1024;

struct Responding : ::testing::Test {
  Responding() { bring_up(every_access); }

  void bring_up(verbs::Access access, std::uint8_t reads = 4, bool own = false) {
    verbs::QpAttributes attributes;
    attributes.adaptive_timeout = own;
    attributes.access = access;
    attributes.path_mtu = mtu;
    attributes.destination = peer.gid();
    attributes.destination_qpn = peer_qpn;
    attributes.receive_psn = first_psn;
    attributes.max_destination_reads = reads;
    attributes.min_rnr_timer = 5;
    ASSERT_TRUE(end.queue_pair->modify({}));  // to Reset
    for (const auto state : {verbs::QpState::Init, verbs::QpState::ReadyToReceive, verbs::QpState::ReadyToSend}) {
      attributes.state = state;
      ASSERT_TRUE(end.queue_pair->modify(attributes));
    }
    world.run_for(1'000'000);  // ARP
    psn = first_psn;
  }

  TransportHeaders headers(std::uint8_t opcode, bool acknowledge = true) {
    TransportHeaders h;
    h.opcode = opcode;
    h.qpn = end.queue_pair->qp_num();
    h.psn = psn;
    h.acknowledge = acknowledge;
    h.address = end.address(0);
    h.rkey = end.region->rkey();
    return h;
  }
  void send(std::uint8_t opcode, std::size_t bytes, bool acknowledge = true) {
    send(headers(opcode, acknowledge), bytes);
  }
  void send(const TransportHeaders& h, std::size_t bytes) {
    std::vector<std::byte> payload(bytes);
    for (std::size_t i = 0; i < bytes; ++i) payload[i] = static_cast<std::byte>(i * 7 + h.psn);
    peer.send(h, payload);
  }
  void expect_answer(std::uint8_t syndrome, Psn at, std::size_t count) {
    expect_answer_among(syndrome, at, count);
    EXPECT_TRUE(peer.silent());
  }
  // With more to come.
  void expect_answer_among(std::uint8_t syndrome, Psn at, std::size_t count) {
    const auto packet = peer.take();
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->headers.opcode, opcode::rc_acknowledge);
    EXPECT_EQ(packet->headers.syndrome, syndrome);
    EXPECT_EQ(packet->headers.psn, at & psn_mask);
    EXPECT_EQ(packet->headers.msn, count);
    EXPECT_EQ(packet->headers.qpn, peer_qpn);
    EXPECT_FALSE(packet->headers.acknowledge);
    EXPECT_TRUE(packet->headers.migrated);
  }
  void expect_refused(std::uint8_t syndrome, std::uint64_t Counters::*counter) {
    expect_answer(syndrome, psn, msn_before);
    EXPECT_EQ(counters().*counter, 1u);
    EXPECT_EQ(end.queue_pair->state(), verbs::QpState::Error);
  }
  void next() { psn = psn_add(psn, 1); }
  const Counters& counters() const { return end.node.counters(); }

  World world{1};
  Endpoint end{world.add(), 65536};
  RawPeer peer{world, end.node};
  Psn psn = first_psn;
  std::uint32_t msn_before = 0;
};

}  // namespace roce::testing

// SPDX-License-Identifier: Apache-2.0
// A peer made by hand: sends an engine any packet that a test can think of, and records what the engine sends to it. It
// answers ARP and neighbour solicitations; everything else is the test's. For tests.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "net/roce/frame.h"
#include "net/roce/neighbor_discovery.h"
#include "net/roce/packet.h"
#include "net/roce/testing/rig.h"

namespace roce::testing {

struct RecordedPacket {
  const OpcodeInfo* info = nullptr;
  TransportHeaders headers;
  std::vector<std::byte> payload;
};

class RawPeer {
 public:
  RawPeer(World& world, Node& node, std::uint32_t number = 99, Family family = Family::Ipv4);
  ~RawPeer();

  const verbs::Gid& gid() const { return gid_; }
  std::uint32_t ipv4() const { return gid_.ipv4(); }
  void pose_as(const verbs::Gid& somebody) { gid_ = somebody; }
  const MacAddress& mac() const { return mac_; }

  // The frame of such a packet, with padding, ICRC and all.
  std::vector<std::byte> frame(TransportHeaders headers, std::span<const std::byte> payload = {}) const;
  // Delivers it to the engine now.
  void send(const TransportHeaders& headers, std::span<const std::byte> payload = {});
  void send_frame(std::span<const std::byte> bytes);
  // The next packet that the engine sent and that was not taken yet.
  std::optional<RecordedPacket> take();
  bool silent() const { return recorded_.empty(); }

  // A frame of anything else between our addresses and Ethernet addresses, or between others.
  std::vector<std::byte> ip_frame(const Ip& ip, std::span<const std::byte> payload) const;
  // An IP header from us to the engine, or to another of its addresses.
  Ip ip_header() const;

  bool answers = true;  // who we are, if asked

 private:
  void record(const std::vector<std::byte>& bytes);
  void answer_arp(const wire::Arp& arp);
  void answer_solicitation(const Ip& ip, std::span<const std::byte> message);

  World& world_;
  Node& node_;
  MacAddress mac_;
  Family family_;
  verbs::Gid gid_;
  std::deque<RecordedPacket> recorded_;
};

}  // namespace roce::testing

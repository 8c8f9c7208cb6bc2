// SPDX-License-Identifier: Apache-2.0
// A peer made by hand: sends an engine any packet that a test can think of, and records what the engine sends to it. It
// answers ARP; everything else is the test's. For tests.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "net/roce/frame.h"
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
  RawPeer(World& world, Node& node, std::uint32_t number = 99);
  ~RawPeer();

  verbs::Gid gid() const { return verbs::Gid::from_ipv4(ipv4_); }
  std::uint32_t ipv4() const { return ipv4_; }
  const MacAddress& mac() const { return mac_; }

  // The frame of such a packet, with padding, ICRC and all.
  std::vector<std::byte> frame(TransportHeaders headers, std::span<const std::byte> payload = {}) const;
  // Delivers it to the engine now.
  void send(const TransportHeaders& headers, std::span<const std::byte> payload = {});
  void send_frame(std::span<const std::byte> bytes);
  // The next packet that the engine sent and that was not taken yet.
  std::optional<RecordedPacket> take();
  bool silent() const { return recorded_.empty(); }

  std::uint32_t ipv4_ = 0;

 private:
  void record(const std::vector<std::byte>& bytes);

  World& world_;
  Node& node_;
  MacAddress mac_;
  std::deque<RecordedPacket> recorded_;
};

}  // namespace roce::testing

// SPDX-License-Identifier: Apache-2.0
// The way in: takes a received Ethernet frame apart, refuses and counts what is not for us or not sound, and hands the
// rest to the neighbour table, to the echo responder, to a queue pair or to the connection manager.
#pragma once

#include <cstdint>
#include <span>

#include "net/roce/core.h"
#include "net/roce/datagram_pool.h"
#include "net/roce/echo.h"
#include "net/roce/queue_pair.h"

namespace roce {

// Takes management datagrams that came to QP 1.
class ManagementHandler {
 public:
  virtual void receive_management(const Packet& packet, const Arrival& arrival) = 0;
  // The first packet came for a queue pair that watches for it.
  virtual void first_packet(std::uint32_t qpn) = 0;

 protected:
  ~ManagementHandler() = default;
};

class FrameInput {
 public:
  FrameInput(Core& core, DatagramPool& datagrams, ManagementHandler& management)
      : core_(core), echo_(core, datagrams), management_(management), crc_(crc_method(core.config.crc)) {}

  void receive(std::span<const std::byte> frame);

 private:
  void receive_ip(const Link& link, Reader reader);
  void receive_roce(const Arrival& arrival, std::span<const std::byte> ip_packet, std::span<const std::byte> payload);
  void deliver(const Packet& packet, const Arrival& arrival);
  void count(FrameFault fault);

  Core& core_;
  EchoResponder echo_;
  ManagementHandler& management_;
  const CrcMethodInfo& crc_;
};

}  // namespace roce

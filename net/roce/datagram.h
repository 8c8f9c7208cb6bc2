// SPDX-License-Identifier: Apache-2.0
// A datagram queue pair's part: one packet per send request, to whatever peer it names; receives with the 40 bytes of
// a global route header (for IPv4: its last 20 are the IP header) before the payload. Nothing is acknowledged; what
// cannot be sent or received is dropped and counted.
#pragma once

#include <cstdint>

#include "net/roce/core.h"
#include "net/roce/packet.h"
#include "net/roce/send_queue.h"

namespace roce {

class RoceQueuePair;
struct Arrival;

class Datagram {
 public:
  explicit Datagram(RoceQueuePair& queue_pair) : qp_(queue_pair) {}

  void start();
  void stop();
  Emitted emit();
  void receive(const Packet& packet, const Arrival& arrival);

 private:
  Core& core();
  Emitted transmit(SendWqe& wqe);
  void give_back_neighbor();
  void finish(verbs::CompletionStatus status);

  RoceQueuePair& qp_;
  SendQueue::Position cursor_ = 0;
  Psn psn_ = 0;
  NeighborTable::Index neighbor_ = 0;  // of the request at cursor_
  bool has_neighbor_ = false;
};

}  // namespace roce

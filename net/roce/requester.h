// SPDX-License-Identifier: Apache-2.0
// The half of a reliable connection that asks (IBTA Volume 1, 9.7): cuts send requests into packets, numbers them,
// keeps a bounded window of them unacknowledged, and goes back to the first unacknowledged one on a NAK or a time-out.
// READs and atomics are answered by data; a gap in that data is asked for again from where it begins.
//
// The first unacknowledged PSN, una_, lies in the request at queue.done(); packets from una_ up to the cursor are on
// their way. A READ has as many packets as its answer. Going back always means: to una_.
#pragma once

#include <cstdint>

#include "net/roce/core.h"
#include "net/roce/packet.h"
#include "net/roce/read_requests.h"
#include "net/roce/round_trip.h"
#include "net/roce/send_queue.h"

namespace roce {

class RoceQueuePair;

class Requester {
 public:
  explicit Requester(RoceQueuePair& queue_pair) : qp_(queue_pair) {}

  void start();  // the queue pair became ReadyToSend
  void stop();   // it left that state: no timer, nothing more is sent

  Emitted emit();
  // A request of the peer came: it lives.
  void heard() { heard_ = true; }
  void receive_acknowledge(const Packet& packet);
  void receive_read_response(const Packet& packet);
  void receive_atomic_response(const Packet& packet);

 private:
  Core& core();
  SendQueue& queue();
  // Sending (requester.cpp)
  bool begin(SendWqe& wqe);
  Psn cursor_psn();
  std::uint32_t in_flight() { return static_cast<std::uint32_t>(psn_distance(cursor_psn(), una_)); }
  Emitted emit_message_packet(SendWqe& wqe);
  Emitted emit_read_or_atomic(SendWqe& wqe);
  void sent(Psn first, std::uint32_t psns, bool acknowledge);
  void begin_waiting();
  void timed_out();
  void rnr_over();
  void go_back();
  void arm();
  std::uint64_t timeout_ns() const;
  // Answers (requester_input.cpp)
  bool sent_and_open(Psn psn);
  bool acknowledge_before(Psn end);
  SendWqe* answered_request(Psn psn);
  bool place(std::uint32_t offset, std::span<const std::byte> bytes);
  void progress(std::uint32_t packets);
  void catch_up();
  void gap();
  void receive_nak(Psn psn, std::uint8_t syndrome);
  void receive_rnr(Psn psn, std::uint8_t code);
  void fail_oldest(verbs::CompletionStatus status);

  RoceQueuePair& qp_;
  SendQueue::Position cursor_ = 0;       // the request to send from next
  std::uint32_t cursor_packet_ = 0;      // and the packet in it
  Psn next_psn_ = 0;                     // for the next request that begins
  Psn una_ = 0;                          // the first unacknowledged
  Psn sent_end_ = 0;                     // after the last that was ever sent
  ReadRequests reads_;                   // READs and atomics on their way
  std::uint32_t since_acknowledge_ = 0;  // packets since one that asked for an acknowledgement
  std::uint32_t window_ = 0;
  std::uint32_t window_threshold_ = 0;  // below it the window grows by each packet, above by each window
  std::uint32_t window_credit_ = 0;
  std::uint32_t retries_ = 0;
  std::uint32_t postponed_ = 0;  // time-outs in a row that were put off
  bool heard_ = false;           // since the timer was set
  std::uint32_t rnr_retries_ = 0;
  bool gap_known_ = false;  // went back for it, and nothing has come since
  std::uint64_t went_back_at_ns_ = 0;
  std::uint64_t progress_at_ns_ = 0;
  RoundTrip round_trip_;
  MemberDeadline<Requester, &Requester::timed_out> retransmit_{*this};
  MemberDeadline<Requester, &Requester::rnr_over> rnr_wait_{*this};
};

}  // namespace roce

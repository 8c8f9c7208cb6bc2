// SPDX-License-Identifier: Apache-2.0
// A queue pair: its state, attributes, queues and completions, and its two halves. A reliable connection has a
// Requester (what we ask of the peer) and a Responder (what it asks of us); a datagram queue pair has a Datagram part.
// The fencing rule: in Error, nothing is written to the user's memory any more, and a flushed request has no frame left
// in the sink; after destruction nothing refers to any of it.
#pragma once

#include <cstdint>
#include <utility>

#include "net/roce/completion_ring.h"
#include "net/roce/core.h"
#include "net/roce/datagram.h"
#include "net/roce/packet.h"
#include "net/roce/receive_queue.h"
#include "net/roce/requester.h"
#include "net/roce/responder.h"
#include "net/roce/send_queue.h"

namespace roce {

// The UDP source port of a queue pair's packets.
std::uint16_t source_port(std::uint32_t qpn);

// The largest path MTU whose packets fit into IP packets of this size, with all headers that we send.
constexpr std::uint32_t path_mtu_for(std::uint32_t link_mtu) {
  std::uint32_t mtu = 4096;
  while (mtu > 256 && mtu + limits::header_bytes > link_mtu) mtu /= 2;
  return mtu;
}

// What a packet came in: the source's address, and for datagrams the 40 bytes before the payload of the receive.
struct Arrival {
  Ip ip;
  std::span<const std::byte> ip_header;
  MacAddress mac;
};

class RoceQueuePair final : public verbs::QueuePair, public FrameOwner, public Sender {
 public:
  RoceQueuePair(Core& core, const void* domain, const verbs::QpInitAttributes& attributes);
  ~RoceQueuePair() override;
  Result<> initialize();

  // verbs::QueuePair
  std::uint32_t qp_num() const override { return qpn_; }
  verbs::QpState state() const override { return state_; }
  Result<> modify(const verbs::QpAttributes& attributes) override;
  Result<> post_send(const verbs::SendWorkRequest& request) override;
  Result<> post_receive(const verbs::ReceiveWorkRequest& request) override;

  // The engine
  void receive(const Packet& packet, const Arrival& arrival);
  Emitted emit() override;
  void frame_released(std::uint64_t cookie) override;

  // The connection manager learns of the first sound packet of the peer: as good as its last message.
  void watch_first_packet() { watching_ = true; }
  bool take_first_packet() { return std::exchange(first_packet_, false); }

  // The halves
  Core& core() { return core_; }
  const void* domain() const { return domain_; }
  const verbs::QpAttributes& attributes() const { return attributes_; }
  SendQueue& send_queue() { return send_queue_; }
  ReceiveQueue& receive_queue() { return receive_queue_; }
  // Whether the peer's Ethernet address is known; if not, the queue pair is scheduled once it is.
  bool reachable() const;
  void probe_peer();
  // Sends a packet of the connection. `position` is the send request whose memory it refers to; no_position: none of
  // the send queue (the memory of a READ response, or nothing).
  static constexpr std::uint64_t no_position = ~std::uint64_t{0};
  Sent send(TransportHeaders& headers, std::span<const Segment> payload, std::uint64_t position);
  Sent send_to(const Path& path, TransportHeaders& headers, std::span<const Segment> payload, std::uint64_t position);
  void message_sent() { responder_.message_sent(); }
  void complete_receive(verbs::WorkCompletion& completion);  // of the front of the receive queue
  // Completes what is done and no longer held, in order.
  void retire();
  void enter_error();

 private:
  Result<> change_state(const verbs::QpAttributes& attributes);
  Result<> modify_to_init(const verbs::QpAttributes& attributes);
  Result<> modify_to_receive(const verbs::QpAttributes& attributes);
  Result<> modify_to_send(const verbs::QpAttributes& attributes);
  void reset();
  void flush();
  void push(CompletionRing& ring, const verbs::WorkCompletion& completion);

  Core& core_;
  const void* const domain_;
  const verbs::QpType type_;
  const verbs::QpCapabilities capabilities_;
  CompletionRing& send_completions_;
  CompletionRing& receive_completions_;
  std::uint32_t qpn_ = 0;
  verbs::QpState state_ = verbs::QpState::Reset;
  verbs::QpAttributes attributes_;
  SendQueue send_queue_;
  ReceiveQueue receive_queue_;
  Requester requester_{*this};
  Responder responder_{*this};
  Datagram datagram_{*this};
  Path path_;
  NeighborTable::Index neighbor_ = 0;
  bool has_neighbor_ = false;
  bool watching_ = false;
  bool first_packet_ = false;
  bool overflowed_ = false;       // a completion was lost
  bool responses_first_ = false;  // whose turn it is
  std::uint32_t held_ = 0;        // frames in the sink, of both halves
};

}  // namespace roce

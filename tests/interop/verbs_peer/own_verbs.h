// SPDX-License-Identifier: Apache-2.0
// A queue pair of this program that is brought up by hand, and the memory of a test.
#pragma once

#include "tests/interop/verbs_peer/rdma.h"

namespace verbs_peer {

class OwnQueuePair {
 public:
  OwnQueuePair(Device& device, unsigned gid_index, verbs_test::Transport transport, std::uint32_t size);
  OwnQueuePair(const OwnQueuePair&) = delete;
  OwnQueuePair& operator=(const OwnQueuePair&) = delete;
  ~OwnQueuePair();

  verbs_test::EndPoint self();
  void connect(const verbs_test::EndPoint& peer, std::uint32_t path_mtu);

  // Memory: what the peer uses, what is sent, and where messages come in (two buffers, with room for a datagram's
  // header before the message).
  std::span<std::byte> exported() { return part(0); }
  std::span<std::byte> out() { return part(1); }
  std::span<std::byte> message(std::uint64_t which, std::uint32_t bytes) {
    return part(2 + which).subspan(header_bytes(), bytes);
  }
  void post_receive(std::uint64_t which);

  // Posts it with `bytes` as its local part and waits for its completion; throws if that is an error.
  void perform(ibv_send_wr request, std::span<const std::byte> bytes);
  ibv_wc receive();
  // Nothing came for a while, or the queue pair is in error: for a server that is told to end by others.
  std::optional<ibv_wc> try_receive(Clock::time_point deadline);
  std::uint32_t header_bytes() const {
    return transport_ == verbs_test::Transport::Datagram ? verbs_test::grh_bytes : 0;
  }
  // To the peer, whoever it is.
  void address(ibv_send_wr& request) const;

 private:
  std::span<std::byte> part(std::uint64_t index) { return memory_.bytes().subspan(index * part_bytes_, part_bytes_); }
  void modify(ibv_qp_attr& attributes, int mask);

  Device& device_;
  const unsigned gid_index_;
  const verbs_test::Transport transport_;
  const std::size_t part_bytes_;
  Memory memory_;
  ibv_cq* send_queue_;
  ibv_cq* receive_queue_;
  ibv_qp* queue_pair_ = nullptr;
  ibv_ah* address_ = nullptr;
  std::uint32_t peer_qpn_ = 0;
};

}  // namespace verbs_peer

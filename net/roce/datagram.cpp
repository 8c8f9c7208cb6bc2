// SPDX-License-Identifier: Apache-2.0
#include "net/roce/datagram.h"

#include "net/roce/queue_pair.h"

namespace roce {

Core& Datagram::core() { return qp_.core(); }

void Datagram::start() {
  cursor_ = qp_.send_queue().done();
  psn_ = qp_.attributes().send_psn;
}

void Datagram::stop() { give_back_neighbor(); }

void Datagram::give_back_neighbor() {
  if (has_neighbor_) core().neighbors.release(neighbor_);
  has_neighbor_ = false;
}

// A datagram is done when it is sent, or dropped: requests become done in order.
void Datagram::finish(verbs::CompletionStatus status) {
  give_back_neighbor();
  ++cursor_;
  qp_.send_queue().finish_oldest(status);
  qp_.retire();
}

Emitted Datagram::emit() {
  SendQueue& queue = qp_.send_queue();
  if (qp_.state() != verbs::QpState::ReadyToSend || cursor_ == queue.tail()) return Emitted::Nothing;
  SendWqe& wqe = queue[cursor_];
  if (!has_neighbor_) {
    const auto neighbor = core().neighbors.acquire(wqe.destination);
    has_neighbor_ = neighbor.has_value();
    if (has_neighbor_) neighbor_ = *neighbor;
  }
  if (has_neighbor_) {
    switch (core().neighbors.state(neighbor_)) {
      case NeighborTable::State::Resolved:
        return transmit(wqe);
      case NeighborTable::State::Resolving:
        return Emitted::Nothing;  // scheduled when that changes
      default:
        break;
    }
  }
  ++core().counters.ud_no_route;
  finish(verbs::CompletionStatus::Success);
  if (cursor_ != queue.tail()) core().schedule(qp_);
  return Emitted::Nothing;
}

Emitted Datagram::transmit(SendWqe& wqe) {
  Pieces pieces;
  const MemoryFault fault = qp_.send_queue().data(cursor_, core().memory, qp_.domain(), 0, wqe.length, pieces);
  if (fault != MemoryFault::None) {
    ++core().counters.local_protection_errors;
    finish(verbs::CompletionStatus::LocalProtectionError);
    qp_.enter_error();
    return Emitted::Nothing;
  }
  TransportHeaders headers;
  const bool immediate = wqe.opcode == verbs::Opcode::SendWithImmediate;
  headers.opcode = immediate ? opcode::ud_send_only_immediate : opcode::ud_send_only;
  headers.solicited = wqe.solicited;
  headers.qpn = wqe.destination_qpn;
  headers.psn = psn_;
  headers.qkey = wqe.qkey;
  headers.source_qpn = qp_.qp_num();
  headers.immediate = wqe.immediate;
  const Path path = {core().neighbors.mac(neighbor_), core().own_gid(wqe.destination), wqe.destination,
                     source_port(qp_.qp_num())};
  if (qp_.send_to(path, headers, pieces.span(), cursor_) == Sent::No) return Emitted::Full;
  psn_ = psn_add(psn_, 1);
  finish(verbs::CompletionStatus::Success);
  return Emitted::Frame;
}

void Datagram::receive(const Packet& packet, const Arrival& arrival) {
  Counters& counters = core().counters;
  const TransportHeaders& headers = packet.headers;
  if (headers.qkey != qp_.attributes().qkey) {
    ++counters.ud_bad_qkey;
    return;
  }
  ReceiveQueue& receives = qp_.receive_queue();
  if (receives.empty()) {
    ++counters.ud_no_receive;
    return;
  }
  const std::size_t bytes = wire::grh_bytes + packet.payload.size();
  if (bytes > receives.front().capacity) {
    ++counters.ud_too_long;
    return;
  }
  std::array<std::byte, wire::grh_bytes> route{};
  const std::size_t header = std::min(route.size(), arrival.ip_header.size());
  std::memcpy(route.data() + route.size() - header, arrival.ip_header.data(), header);
  const auto list = receives.front_list();
  if (scatter(core().memory, qp_.domain(), list, 0, route) != MemoryFault::None ||
      scatter(core().memory, qp_.domain(), list, wire::grh_bytes, packet.payload) != MemoryFault::None) {
    ++counters.ud_bad_memory;
    verbs::WorkCompletion failed;
    failed.status = verbs::CompletionStatus::LocalProtectionError;
    qp_.complete_receive(failed);
    qp_.enter_error();
    return;
  }
  verbs::WorkCompletion completion;
  completion.opcode = verbs::CompletionOpcode::Receive;
  completion.byte_len = static_cast<std::uint32_t>(bytes);
  completion.has_immediate = packet.info->has(header::immediate);
  completion.immediate = headers.immediate;
  completion.source_qp = headers.source_qpn & 0xffffff;
  completion.source = arrival.ip.source;
  qp_.complete_receive(completion);
}

}  // namespace roce

// SPDX-License-Identifier: Apache-2.0
#include "net/roce/queue_pair.h"

#include <utility>

namespace roce {
namespace {

using verbs::QpState;
using verbs::QpType;

bool is_path_mtu(std::uint32_t bytes) {
  return bytes == 256 || bytes == 512 || bytes == 1024 || bytes == 2048 || bytes == 4096;
}

verbs::CompletionOpcode completion_opcode(verbs::Opcode opcode) {
  switch (opcode) {
    case verbs::Opcode::Send:
    case verbs::Opcode::SendWithImmediate:
      return verbs::CompletionOpcode::Send;
    case verbs::Opcode::RdmaWrite:
    case verbs::Opcode::RdmaWriteWithImmediate:
      return verbs::CompletionOpcode::RdmaWrite;
    case verbs::Opcode::RdmaRead:
      return verbs::CompletionOpcode::RdmaRead;
    case verbs::Opcode::CompareAndSwap:
      return verbs::CompletionOpcode::CompareAndSwap;
    case verbs::Opcode::FetchAndAdd:
      return verbs::CompletionOpcode::FetchAndAdd;
  }
  return verbs::CompletionOpcode::Send;
}

// The service of a packet that a queue pair of this type takes.
bool matches(QpType type, Service service) {
  return type == QpType::ReliableConnected ? service == Service::ReliableConnection : service == Service::Datagram;
}

}  // namespace

// One port per queue pair: spreads flows over paths and receive queues, and keeps each in order.
std::uint16_t source_port(std::uint32_t qpn) {
  return static_cast<std::uint16_t>(0xc000 | ((qpn * 0x9e3779b1u) >> 18));
}

RoceQueuePair::RoceQueuePair(Core& core, const void* domain, const verbs::QpInitAttributes& attributes)
    : core_(core),
      domain_(domain),
      type_(attributes.type),
      capabilities_(attributes.capabilities),
      send_completions_(static_cast<CompletionRing&>(*attributes.send_cq)),
      receive_completions_(static_cast<CompletionRing&>(*attributes.recv_cq)) {
  send_completions_.attach();
  receive_completions_.attach();
}

Result<> RoceQueuePair::initialize() {
  TRY(send_queue_.initialize(capabilities_));
  TRY(receive_queue_.initialize(capabilities_));
  qpn_ = TRY(core_.add_queue_pair(*this));
  return {};
}

RoceQueuePair::~RoceQueuePair() {
  reset();
  if (qpn_ != 0) core_.remove_queue_pair(qpn_);
  send_completions_.detach();
  receive_completions_.detach();
}

Result<> RoceQueuePair::modify(const verbs::QpAttributes& attributes) {
  const Result<> modified = change_state(attributes);
  core_.pump();
  return modified;
}

Result<> RoceQueuePair::change_state(const verbs::QpAttributes& attributes) {
  switch (attributes.state) {
    case QpState::Reset:
      reset();
      return {};
    case QpState::Error:
      if (state_ == QpState::Reset) return base::fail(Error::InvalidArgument);
      enter_error();
      return {};
    case QpState::Init:
      if (state_ != QpState::Reset) return base::fail(Error::InvalidArgument);
      return modify_to_init(attributes);
    case QpState::ReadyToReceive:
      if (state_ != QpState::Init) return base::fail(Error::InvalidArgument);
      return modify_to_receive(attributes);
    case QpState::ReadyToSend:
      if (state_ != QpState::ReadyToReceive) return base::fail(Error::InvalidArgument);
      return modify_to_send(attributes);
  }
  return base::fail(Error::InvalidArgument);
}

Result<> RoceQueuePair::modify_to_init(const verbs::QpAttributes& attributes) {
  attributes_.access = attributes.access;
  attributes_.qkey = attributes.qkey;
  state_ = QpState::Init;
  return {};
}

Result<> RoceQueuePair::modify_to_receive(const verbs::QpAttributes& attributes) {
  if (type_ == QpType::ReliableConnected) {
    if (!is_path_mtu(attributes.path_mtu) || attributes.path_mtu > path_mtu_for(core_.config.link_mtu) ||
        attributes.destination_qpn > 0xffffff || attributes.receive_psn > psn_mask ||
        attributes.max_destination_reads > limits::reads || attributes.min_rnr_timer > 31 ||
        !is_unicast(attributes.destination)) {
      return base::fail(Error::InvalidArgument);
    }
    neighbor_ = TRY(core_.neighbors.acquire(attributes.destination));
    has_neighbor_ = true;
    attributes_.path_mtu = attributes.path_mtu;
    attributes_.destination = attributes.destination;
    attributes_.destination_qpn = attributes.destination_qpn;
    attributes_.receive_psn = attributes.receive_psn;
    attributes_.max_destination_reads = attributes.max_destination_reads;
    attributes_.min_rnr_timer = attributes.min_rnr_timer;
    path_ = {MacAddress{}, core_.own_gid(attributes.destination), attributes.destination, source_port(qpn_)};
    responder_.start();
  } else {
    attributes_.path_mtu = path_mtu_for(core_.config.link_mtu);
  }
  state_ = QpState::ReadyToReceive;
  return {};
}

Result<> RoceQueuePair::modify_to_send(const verbs::QpAttributes& attributes) {
  if (attributes.send_psn > psn_mask || attributes.max_reads > limits::reads || attributes.timeout > 31 ||
      attributes.retry_count > 7 || attributes.rnr_retry > 7) {
    return base::fail(Error::InvalidArgument);
  }
  attributes_.send_psn = attributes.send_psn;
  attributes_.max_reads = attributes.max_reads;
  attributes_.timeout = attributes.timeout;
  attributes_.retry_count = attributes.retry_count;
  attributes_.rnr_retry = attributes.rnr_retry;
  attributes_.adaptive_timeout = attributes.adaptive_timeout;
  state_ = QpState::ReadyToSend;
  if (type_ == QpType::ReliableConnected) {
    requester_.start();
  } else {
    datagram_.start();
  }
  return {};
}

Result<> RoceQueuePair::post_send(const verbs::SendWorkRequest& request) {
  if (state_ != QpState::ReadyToSend && state_ != QpState::Error) return base::fail(Error::InvalidArgument);
  if (type_ == QpType::UnreliableDatagram) {
    std::uint64_t bytes = 0;
    for (const verbs::Sge& entry : request.sg_list) bytes += entry.length;
    const bool send = request.opcode == verbs::Opcode::Send || request.opcode == verbs::Opcode::SendWithImmediate;
    if (!send || bytes > attributes_.path_mtu || request.destination_qpn > 0xffffff ||
        !is_unicast(request.destination)) {
      return base::fail(Error::InvalidArgument);
    }
  } else if (attributes_.max_reads == 0 &&
             (request.opcode == verbs::Opcode::RdmaRead || request.opcode == verbs::Opcode::CompareAndSwap ||
              request.opcode == verbs::Opcode::FetchAndAdd)) {
    return base::fail(Error::InvalidArgument);
  }
  TRY(send_queue_.post(request));
  if (state_ == QpState::Error) {
    flush();
  } else {
    core_.schedule(*this);
    core_.pump();
  }
  return {};
}

Result<> RoceQueuePair::post_receive(const verbs::ReceiveWorkRequest& request) {
  TRY(receive_queue_.post(request));
  if (state_ == QpState::Error) flush();
  return {};
}

bool RoceQueuePair::reachable() const {
  return has_neighbor_ && core_.neighbors.state(neighbor_) == NeighborTable::State::Resolved;
}

void RoceQueuePair::probe_peer() {
  if (has_neighbor_) core_.neighbors.probe(neighbor_);
}

Sent RoceQueuePair::send(TransportHeaders& headers, std::span<const Segment> payload, std::uint64_t position) {
  path_.mac = core_.neighbors.mac(neighbor_);
  headers.qpn = attributes_.destination_qpn;
  return send_to(path_, headers, payload, position);
}

Sent RoceQueuePair::send_to(const Path& path, TransportHeaders& headers, std::span<const Segment> payload,
                            std::uint64_t position) {
  // Counted before: the sink may give the frame back at once.
  ++held_;
  if (position != no_position) ++send_queue_[position].held;
  const Sent sent = core_.transmitter.send_packet(path, headers, payload, *this, position);
  if (sent == Sent::No) {
    --held_;
    if (position != no_position) --send_queue_[position].held;
  }
  return sent;
}

void RoceQueuePair::frame_released(std::uint64_t cookie) {
  --held_;
  if (cookie == no_position) return;
  --send_queue_[cookie].held;
  retire();
}

Emitted RoceQueuePair::emit() {
  if (std::exchange(overflowed_, false)) enter_error();
  if (state_ == QpState::Reset || state_ == QpState::Init) return Emitted::Nothing;
  if (type_ == QpType::UnreliableDatagram) return datagram_.emit();
  // In turns, so that neither direction starves the other.
  responses_first_ = !responses_first_;
  const Emitted first = responses_first_ ? responder_.emit() : requester_.emit();
  if (first != Emitted::Nothing) return first;
  return responses_first_ ? requester_.emit() : responder_.emit();
}

void RoceQueuePair::receive(const Packet& packet, const Arrival& arrival) {
  Counters& counters = core_.counters;
  if (!matches(type_, packet.info->service)) {
    ++counters.rx_wrong_qp_type;
    return;
  }
  if (state_ != QpState::ReadyToReceive && state_ != QpState::ReadyToSend) {
    ++counters.rx_wrong_qp_state;
    return;
  }
  if (type_ == QpType::UnreliableDatagram) {
    datagram_.receive(packet, arrival);
    return;
  }
  if (arrival.ip.source != attributes_.destination) {
    ++counters.rx_wrong_source;
    return;
  }
  if (std::exchange(watching_, false)) first_packet_ = true;
  switch (packet.info->kind) {
    case Kind::Acknowledge:
    case Kind::ReadResponse:
    case Kind::AtomicAcknowledge:
      if (state_ != QpState::ReadyToSend) {
        ++counters.rx_wrong_qp_state;
      } else if (packet.info->kind == Kind::Acknowledge) {
        requester_.receive_acknowledge(packet);
      } else if (packet.info->kind == Kind::ReadResponse) {
        requester_.receive_read_response(packet);
      } else {
        requester_.receive_atomic_response(packet);
      }
      return;
    default:
      requester_.heard();
      responder_.receive(packet);
  }
}

void RoceQueuePair::push(CompletionRing& ring, const verbs::WorkCompletion& completion) {
  if (ring.push(completion)) return;
  ++core_.counters.cq_overflows;
  overflowed_ = true;  // dealt with in emit(): the caller is in the middle of something
  core_.schedule(*this);
}

void RoceQueuePair::complete_receive(verbs::WorkCompletion& completion) {
  completion.wr_id = receive_queue_.front().wr_id;
  completion.qp_num = qpn_;
  if (completion.status != verbs::CompletionStatus::Success) completion.opcode = verbs::CompletionOpcode::Receive;
  receive_queue_.pop();
  push(receive_completions_, completion);
}

void RoceQueuePair::retire() {
  while (const SendWqe* wqe = send_queue_.next_to_retire()) {
    verbs::WorkCompletion completion;
    completion.wr_id = wqe->wr_id;
    completion.status = wqe->status;
    completion.opcode = completion_opcode(wqe->opcode);
    completion.byte_len = wqe->length;
    completion.qp_num = qpn_;
    const bool wanted = wqe->signaled || wqe->status != verbs::CompletionStatus::Success;
    send_queue_.retire();
    if (wanted) push(send_completions_, completion);
  }
}

// Completes everything that is posted, in order; what the sink still refers to, once it is given back.
void RoceQueuePair::flush() {
  while (!send_queue_.all_done()) {
    ++core_.counters.work_requests_flushed;
    send_queue_.finish_oldest(verbs::CompletionStatus::WorkRequestFlushed);
  }
  retire();
  while (!receive_queue_.empty()) {
    ++core_.counters.work_requests_flushed;
    verbs::WorkCompletion completion;
    completion.status = verbs::CompletionStatus::WorkRequestFlushed;
    complete_receive(completion);
  }
}

void RoceQueuePair::enter_error() {
  if (state_ == QpState::Error || state_ == QpState::Reset) return;
  state_ = QpState::Error;
  requester_.stop();
  responder_.stop();
  datagram_.stop();
  flush();
}

void RoceQueuePair::reset() {
  requester_.stop();
  responder_.reset();
  datagram_.stop();
  unlink();
  state_ = QpState::Reset;
  if (held_ > 0) core_.transmitter.quiesce();
  LEGO_ASSERT(held_ == 0);
  send_queue_.forget_all();
  while (!receive_queue_.empty()) receive_queue_.pop();
  send_completions_.purge(qpn_);
  receive_completions_.purge(qpn_);
  if (has_neighbor_) core_.neighbors.release(neighbor_);
  has_neighbor_ = false;
  overflowed_ = watching_ = first_packet_ = false;
}

}  // namespace roce

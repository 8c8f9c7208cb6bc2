// SPDX-License-Identifier: Apache-2.0
#include "net/roce/responder.h"

#include <algorithm>
#include <cstring>

#include "net/roce/queue_pair.h"

namespace roce {
namespace {

// Executes on the 8 bytes at a checked, aligned address; other cores may do the same. Returns what was there.
std::uint64_t execute_on(std::byte* memory, const Packet& packet) {
  auto* word = reinterpret_cast<std::uint64_t*>(memory);
  const TransportHeaders& headers = packet.headers;
  if (packet.info->kind == Kind::FetchAndAdd) {
    return __atomic_fetch_add(word, headers.swap_or_add, __ATOMIC_SEQ_CST);
  }
  std::uint64_t found = headers.compare;
  __atomic_compare_exchange_n(word, &found, headers.swap_or_add, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return found;
}

bool supported(const OpcodeInfo& info) {
  switch (info.kind) {
    case Kind::Send:
      return !info.has(header::invalidate);
    case Kind::Write:
    case Kind::ReadRequest:
    case Kind::CompareAndSwap:
    case Kind::FetchAndAdd:
      return true;
    default:
      return false;
  }
}

}  // namespace

Core& Responder::core() const { return qp_.core(); }

void Responder::start() {
  reset();
  expected_ = qp_.attributes().receive_psn;
  msn_ = 0;
}

void Responder::reset() {
  stop();
  answer_due_ = false;
  conversation_ = false;
  sequence_nak_sent_ = false;
  for (Record& record : records_) record.packets = 0;
}

void Responder::stop() {
  message_ = Message::None;
  refusal_ = 0;
  response_count_ = 0;
  waits_ = false;
  wait_.cancel();
}

void Responder::receive(const Packet& packet) {
  if (refusal_ != 0) return;
  const std::int32_t distance = psn_distance(packet.headers.psn, expected_);
  if (distance < 0) {
    duplicate(packet);
  } else if (distance == 0) {
    execute(packet);
  } else {
    ++core().counters.out_of_sequence;
    out_of_sequence();
  }
}

// Says once that a packet is missing. Between our own components a NAK that may be lost is repeated: that is quicker
// than the peer's timer.
void Responder::out_of_sequence() {
  const std::uint64_t now = core().now_ns();
  if (sequence_nak_sent_ && now < silent_until_ns_) return;
  sequence_nak_sent_ = true;
  silent_until_ns_ = qp_.attributes().adaptive_timeout ? now + limits::nak_again_ns : base::never_ns;
  ++core().counters.nak_sequence_sent;
  negative(syndrome::nak_sequence, expected_);
}

void Responder::execute(const Packet& packet) {
  Counters& counters = core().counters;
  if (!supported(*packet.info)) {
    refuse(syndrome::nak_invalid_request, counters.refused_unsupported);
    return;
  }
  if (!in_order(*packet.info)) {
    refuse(syndrome::nak_invalid_request, counters.refused_opcode_order);
    return;
  }
  if (!lengths_fit(packet)) {
    refuse(syndrome::nak_invalid_request, counters.refused_packet_length);
    return;
  }
  switch (packet.info->kind) {
    case Kind::Send:
      execute_send(packet);
      return;
    case Kind::Write:
      execute_write(packet);
      return;
    case Kind::ReadRequest:
      execute_read(packet);
      return;
    default:
      execute_atomic(packet);
  }
}

// The peer goes on: a NAK that still waits to be sent is out of date.
void Responder::advance(std::uint32_t psns) {
  expected_ = psn_add(expected_, psns);
  sequence_nak_sent_ = false;
  if (answer_due_) answer_ = syndrome::acknowledge;
}

// First follows a finished message; Middle and Last follow a First of their kind.
bool Responder::in_order(const OpcodeInfo& info) const {
  if (info.starts()) return message_ == Message::None;
  return (info.kind == Kind::Send && message_ == Message::Send) ||
         (info.kind == Kind::Write && message_ == Message::Write);
}

// All packets of a message but the last are as long as the path MTU; the last has at least a byte, except when alone.
bool Responder::lengths_fit(const Packet& packet) {
  const std::size_t mtu = qp_.attributes().path_mtu;
  const std::size_t bytes = packet.payload.size();
  switch (packet.info->kind) {
    case Kind::Send:
    case Kind::Write:
      if (!packet.info->ends()) return bytes == mtu;
      return bytes <= mtu && (packet.info->part == Part::Only || bytes > 0);
    default:
      return bytes == 0;
  }
}

// Nothing is executed any more. What was asked for before is answered first: the peer could not tell otherwise which
// request is at fault.
void Responder::refuse(std::uint8_t code, std::uint64_t& counter) {
  ++counter;
  refusal_ = code;
  if (response_count_ == 0) refuse_now(expected_);
}

void Responder::refuse_now(Psn psn) {
  Counters& counters = core().counters;
  switch (refusal_) {
    case syndrome::nak_invalid_request:
      ++counters.nak_invalid_request_sent;
      break;
    case syndrome::nak_remote_access:
      ++counters.nak_access_sent;
      break;
    default:
      ++counters.nak_operational_sent;
  }
  negative(refusal_, psn);
  refusal_ = 0;
  qp_.enter_error();
}

void Responder::receiver_not_ready() {
  ++core().counters.rnr_nak_sent;
  sequence_nak_sent_ = true;  // what follows is in vain, and the peer knows
  silent_until_ns_ = base::never_ns;
  negative(static_cast<std::uint8_t>(syndrome::rnr | qp_.attributes().min_rnr_timer), expected_);
}

// A receive completes when a message ends.
void Responder::finish_message(const Packet& packet) {
  const bool write = packet.info->kind == Kind::Write;
  const bool consumes = !write || packet.info->has(header::immediate);
  if (consumes) {
    verbs::WorkCompletion completion;
    completion.opcode = write ? verbs::CompletionOpcode::ReceiveRdmaWithImmediate : verbs::CompletionOpcode::Receive;
    completion.byte_len = offset_;
    completion.has_immediate = packet.info->has(header::immediate);
    completion.immediate = packet.headers.immediate;
    qp_.complete_receive(completion);
  }
  message_ = Message::None;
  msn_ = (msn_ + 1) & psn_mask;
  heard_at_ns_ = core().now_ns();
}

void Responder::execute_send(const Packet& packet) {
  ReceiveQueue& receives = qp_.receive_queue();
  if (packet.info->starts()) {
    if (receives.empty()) {
      receiver_not_ready();
      return;
    }
    offset_ = 0;
  }
  const std::size_t end = std::size_t{offset_} + packet.payload.size();
  if (end > receives.front().capacity) {
    verbs::WorkCompletion completion;
    completion.status = verbs::CompletionStatus::LocalLengthError;
    qp_.complete_receive(completion);
    refuse(syndrome::nak_invalid_request, core().counters.refused_receive_length);
    return;
  }
  if (scatter(core().memory, qp_.domain(), receives.front_list(), offset_, packet.payload) != MemoryFault::None) {
    verbs::WorkCompletion completion;
    completion.status = verbs::CompletionStatus::LocalProtectionError;
    qp_.complete_receive(completion);
    refuse(syndrome::nak_remote_operational, core().counters.refused_receive_memory);
    return;
  }
  message_ = Message::Send;
  offset_ = static_cast<std::uint32_t>(end);
  advance(1);
  if (packet.info->ends()) finish_message(packet);
  if (packet.headers.acknowledge) acknowledge(patience_with(packet));
}

// Whether the peer may do such a thing at all on this queue pair.
bool Responder::allowed(verbs::Access access) {
  if (verbs::allows(qp_.attributes().access, access)) return true;
  refuse(syndrome::nak_invalid_request, core().counters.refused_not_enabled);
  return false;
}

bool Responder::memory_allows(std::uint32_t rkey, std::uint64_t address, std::uint32_t length, verbs::Access access) {
  if (length == 0) return true;  // its address and key are not looked at
  Counters& counters = core().counters;
  std::uint64_t* counter = nullptr;
  switch (core().memory.check(rkey, qp_.domain(), address, length, access)) {
    case MemoryFault::None:
      return true;
    case MemoryFault::Key:
      counter = &counters.refused_key;
      break;
    case MemoryFault::Bounds:
      counter = &counters.refused_bounds;
      break;
    case MemoryFault::Access:
      counter = &counters.refused_access;
      break;
    case MemoryFault::Domain:
      counter = &counters.refused_domain;
      break;
  }
  refuse(syndrome::nak_remote_access, *counter);
  return false;
}

void Responder::execute_write(const Packet& packet) {
  const TransportHeaders& headers = packet.headers;
  const auto bytes = static_cast<std::uint32_t>(packet.payload.size());
  if (packet.info->starts()) {
    if (!allowed(verbs::Access::RemoteWrite)) return;
    if (headers.length > limits::message_bytes) {
      refuse(syndrome::nak_invalid_request, core().counters.refused_message_length);
      return;
    }
    // The whole target, so that a message that cannot end well does not begin.
    if (!memory_allows(headers.rkey, headers.address, headers.length, verbs::Access::RemoteWrite)) return;
    write_address_ = headers.address;
    write_rkey_ = headers.rkey;
    write_length_ = headers.length;
    offset_ = 0;
  }
  const std::uint32_t left = write_length_ - offset_;
  if (packet.info->ends() ? bytes != left : bytes >= left) {
    refuse(syndrome::nak_invalid_request, core().counters.refused_message_length);
    return;
  }
  if (packet.info->has(header::immediate) && qp_.receive_queue().empty()) {
    receiver_not_ready();
    return;
  }
  if (!memory_allows(write_rkey_, write_address_ + offset_, bytes, verbs::Access::RemoteWrite)) return;
  if (bytes > 0) std::memcpy(pointer(write_address_ + offset_), packet.payload.data(), bytes);
  message_ = Message::Write;
  offset_ += bytes;
  advance(1);
  if (packet.info->ends()) finish_message(packet);
  if (headers.acknowledge) acknowledge(patience_with(packet));
}

Responder::Record& Responder::remember(const Packet& packet, std::uint32_t packets) {
  msn_ = (msn_ + 1) & psn_mask;
  const TransportHeaders& headers = packet.headers;
  Record& record = records_[next_record_];
  next_record_ = (next_record_ + 1) % std::max<std::uint32_t>(1, qp_.attributes().max_destination_reads);
  record = {.kind = packet.info->kind,
            .first = headers.psn,
            .packets = packets,
            .address = headers.address,
            .length = headers.length,
            .rkey = headers.rkey,
            .msn = msn_,
            .swap_or_add = headers.swap_or_add,
            .compare = headers.compare};
  return record;
}

void Responder::execute_read(const Packet& packet) {
  const TransportHeaders& headers = packet.headers;
  if (!allowed(verbs::Access::RemoteRead)) return;
  if (headers.length > limits::message_bytes) {
    refuse(syndrome::nak_invalid_request, core().counters.refused_message_length);
    return;
  }
  if (responses_due(false) >= qp_.attributes().max_destination_reads) {
    refuse(syndrome::nak_invalid_request, core().counters.refused_resources);
    return;
  }
  if (!memory_allows(headers.rkey, headers.address, headers.length, verbs::Access::RemoteRead)) return;
  const std::uint32_t mtu = qp_.attributes().path_mtu;
  const std::uint32_t packets = std::max(1u, (headers.length + mtu - 1) / mtu);
  const Record& record = remember(packet, packets);
  push({.kind = record.kind,
        .record_first = record.first,
        .psn = record.first,
        .address = record.address,
        .length = record.length,
        .rkey = record.rkey,
        .msn = record.msn});
  advance(packets);
}

void Responder::execute_atomic(const Packet& packet) {
  const TransportHeaders& headers = packet.headers;
  if (!allowed(verbs::Access::RemoteAtomic)) return;
  if (headers.address % 8 != 0) {
    refuse(syndrome::nak_invalid_request, core().counters.refused_alignment);
    return;
  }
  if (responses_due(false) >= qp_.attributes().max_destination_reads) {
    refuse(syndrome::nak_invalid_request, core().counters.refused_resources);
    return;
  }
  if (!memory_allows(headers.rkey, headers.address, 8, verbs::Access::RemoteAtomic)) return;
  Record& record = remember(packet, 1);
  record.original = execute_on(pointer(headers.address), packet);
  push({.kind = record.kind,
        .record_first = record.first,
        .psn = record.first,
        .msn = record.msn,
        .original = record.original});
  advance(1);
}

}  // namespace roce

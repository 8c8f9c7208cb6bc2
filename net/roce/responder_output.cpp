// SPDX-License-Identifier: Apache-2.0
// What a Responder sends: acknowledgements and NAKs, the data of READs and atomics, and all that again for duplicates.
#include <algorithm>

#include "net/roce/queue_pair.h"
#include "net/roce/responder.h"

namespace roce {

void Responder::acknowledge(Patience patience) {
  const bool at_once = (answer_due_ && !waits_) || patience == Patience::None;
  if (answer_due_) {
    if (answer_ != syndrome::acknowledge && answer_psn_ == expected_) return;  // a NAK says as much, and more
    ++core().counters.acks_coalesced;
  } else {
    waiting_messages_ = 0;
    answered_ = false;
  }
  answer_due_ = true;
  answer_ = syndrome::acknowledge;
  const bool own = qp_.attributes().adaptive_timeout;
  if (at_once || ++waiting_messages_ >= (own ? 2 * limits::acknowledge_own_every : limits::acknowledge_every)) {
    acknowledge_now();
    return;
  }
  waits_ = true;
  if (waiting_messages_ == limits::acknowledge_own_every) {
    core().deadlines.arm(wait_, core().now_ns() + limits::acknowledge_within_ns);
  } else if (!wait_.armed()) {
    core().deadlines.arm(wait_, core().now_ns() + longest_wait_ns());
  }
}

bool Responder::goes_with_answer() const {
  return !qp_.attributes().adaptive_timeout || waiting_messages_ >= limits::acknowledge_own_every;
}

// A message in several packets, or one that asks for attention, holds memory that its sender wants back.
Responder::Patience Responder::patience_with(const Packet& packet) const {
  const bool may_wait = conversation_ && packet.info->part == Part::Only && !packet.headers.solicited;
  return may_wait ? Patience::Some : Patience::None;
}

void Responder::acknowledge_now() {
  waits_ = false;
  wait_.cancel();
  core().schedule(qp_);
}

// Nobody has answered, or not often enough. Who does not answer holds no conversation.
void Responder::wait_over() {
  ++core().counters.acks_late;
  if (!answered_) conversation_ = false;
  acknowledge_now();
}

std::uint64_t Responder::longest_wait_ns() const {
  return qp_.attributes().adaptive_timeout ? limits::acknowledge_own_within_ns : limits::acknowledge_within_ns;
}

void Responder::message_sent() {
  answered_ = true;
  if (core().now_ns() - heard_at_ns_ < longest_wait_ns()) conversation_ = true;
  if (waits_ && goes_with_answer()) acknowledge_now();
}

// An answer with data, to this PSN, has left: it acknowledges all requests up to it.
void Responder::acknowledged_by(Psn psn) {
  if (!waits_ || psn_add(psn, 1) != expected_) return;
  waits_ = answer_due_ = false;
  wait_.cancel();
  ++core().counters.acks_coalesced;
}

void Responder::negative(std::uint8_t code, Psn psn) {
  answer_due_ = true;
  answer_ = code;
  answer_psn_ = psn;
  acknowledge_now();
}

std::uint32_t Responder::responses_due(bool duplicate) {
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < response_count_; ++i) count += response(i).duplicate == duplicate ? 1 : 0;
  return count;
}

// There is room: neither new answers nor repeated ones are more than limits::reads.
void Responder::push(const Response& added) {
  LEGO_ASSERT(response_count_ < responses_.size());
  response(response_count_++) = added;
  core().schedule(qp_);
}

// A request that was executed before: its answer was lost, or is late.
void Responder::duplicate(const Packet& packet) {
  switch (packet.info->kind) {
    case Kind::ReadRequest:
      repeat_read(packet);
      return;
    case Kind::CompareAndSwap:
    case Kind::FetchAndAdd:
      repeat_atomic(packet);
      return;
    default:
      ++core().counters.duplicate_requests;
      if (packet.headers.acknowledge) acknowledge(Patience::None);
  }
}

// The latest one: after a wrap of the PSNs an old record may seem to match.
Responder::Record* Responder::find_record(Psn psn) {
  for (std::uint32_t back = 1; back <= records_.size(); ++back) {
    Record& record = records_[(next_record_ + records_.size() - back) % records_.size()];
    const std::int32_t distance = psn_distance(psn, record.first);
    if (distance >= 0 && static_cast<std::uint32_t>(distance) < record.packets) return &record;
  }
  return nullptr;
}

// Executes it anew, from memory, as far as it lies within what was asked for.
void Responder::repeat_read(const Packet& packet) {
  Counters& counters = core().counters;
  ++counters.duplicate_reads;
  const TransportHeaders& headers = packet.headers;
  const Record* record = find_record(headers.psn);
  const std::uint32_t mtu = qp_.attributes().path_mtu;
  if (record == nullptr || record->kind != Kind::ReadRequest || record->rkey != headers.rkey) {
    ++counters.duplicates_refused;
    return;
  }
  const std::uint64_t skipped =
      std::uint64_t{static_cast<std::uint32_t>(psn_distance(headers.psn, record->first))} * mtu;
  if (headers.address != record->address + skipped || skipped + headers.length != record->length) {
    ++counters.duplicates_refused;
    return;
  }
  const Response again = {.kind = record->kind,
                          .record_first = record->first,
                          .psn = headers.psn,
                          .address = headers.address,
                          .length = headers.length,
                          .rkey = headers.rkey,
                          .msn = record->msn,
                          .duplicate = true};
  for (std::uint32_t i = 0; i < response_count_; ++i) {
    if (response(i).kind == Kind::ReadRequest && response(i).record_first == record->first) {
      // Still being answered: go on from where the peer lacks something.
      const bool duplicate = response(i).duplicate;
      if (psn_distance(headers.psn, response(i).psn) < 0) response(i) = again;
      response(i).duplicate = duplicate;
      return;
    }
  }
  repeat(again);
}

// Not executed anew: the result was kept.
void Responder::repeat_atomic(const Packet& packet) {
  Counters& counters = core().counters;
  ++counters.duplicate_atomics;
  const TransportHeaders& headers = packet.headers;
  const Record* record = find_record(headers.psn);
  if (record == nullptr || record->kind != packet.info->kind || record->rkey != headers.rkey ||
      record->address != headers.address || record->swap_or_add != headers.swap_or_add ||
      record->compare != headers.compare) {
    ++counters.duplicates_refused;
    return;
  }
  for (std::uint32_t i = 0; i < response_count_; ++i) {
    if (response(i).kind == record->kind && response(i).record_first == record->first) return;  // not even sent yet
  }
  repeat({.kind = record->kind,
          .record_first = record->first,
          .psn = record->first,
          .msn = record->msn,
          .original = record->original,
          .duplicate = true});
}

void Responder::repeat(const Response& again) {
  if (responses_due(true) < limits::reads) {
    push(again);
  } else {
    ++core().counters.duplicates_refused;
  }
}

Emitted Responder::emit() {
  if (response_count_ == 0) {
    if (refusal_ != 0) refuse_now(expected_);
    return answer_due_ && !waits_ ? emit_acknowledge() : Emitted::Nothing;
  }
  if (!qp_.reachable()) return Emitted::Nothing;
  Response& next = response(0);
  return next.kind == Kind::ReadRequest ? emit_read(next) : emit_atomic(next);
}

Emitted Responder::emit_acknowledge() {
  if (!qp_.reachable()) return Emitted::Nothing;
  TransportHeaders headers;
  headers.opcode = opcode::rc_acknowledge;
  headers.syndrome = answer_;
  headers.msn = msn_;
  headers.psn = answer_ == syndrome::acknowledge ? psn_add(expected_, psn_mask) : answer_psn_;
  if (qp_.send(headers, {}, RoceQueuePair::no_position) == Sent::No) return Emitted::Full;
  answer_due_ = false;
  if (answer_ == syndrome::acknowledge) ++core().counters.acks_sent;
  return Emitted::Frame;
}

Emitted Responder::emit_read(Response& next) {
  const std::uint32_t bytes = std::min(qp_.attributes().path_mtu, next.length);
  // The region may have gone, or changed hands, since the request.
  if (!memory_allows(next.rkey, next.address, bytes, verbs::Access::RemoteRead)) {
    refuse_now(next.psn);
    return emit_acknowledge();
  }
  const bool last = bytes == next.length;
  TransportHeaders headers;
  if (next.begun) {
    headers.opcode = last ? opcode::rc_read_response_last : opcode::rc_read_response_middle;
  } else {
    headers.opcode = last ? opcode::rc_read_response_only : opcode::rc_read_response_first;
  }
  headers.psn = next.psn;
  headers.syndrome = syndrome::acknowledge;
  headers.msn = next.msn;
  const Segment piece(pointer(next.address), bytes);
  if (qp_.send(headers, std::span(&piece, bytes > 0 ? 1 : 0), RoceQueuePair::no_position) == Sent::No) {
    return Emitted::Full;
  }
  acknowledged_by(next.psn);
  if (last) {
    pop();
    return Emitted::Frame;
  }
  next.begun = true;
  next.psn = psn_add(next.psn, 1);
  next.address += bytes;
  next.length -= bytes;
  return Emitted::Frame;
}

Emitted Responder::emit_atomic(const Response& next) {
  TransportHeaders headers;
  headers.opcode = opcode::rc_atomic_acknowledge;
  headers.psn = next.psn;
  headers.syndrome = syndrome::acknowledge;
  headers.msn = next.msn;
  headers.original = next.original;
  if (qp_.send(headers, {}, RoceQueuePair::no_position) == Sent::No) return Emitted::Full;
  acknowledged_by(next.psn);
  pop();
  return Emitted::Frame;
}

}  // namespace roce

// SPDX-License-Identifier: Apache-2.0
// Calls and slots of a client session: see client_session.h.
#include "net/rpc/client_session.h"

#include <algorithm>
#include <cstring>

#include "net/rpc/statistics.h"

namespace rpc {

namespace {

constexpr std::uint16_t no_slot = 0xffff;

std::uint64_t tail_bytes(const CallRequest& request) {
  std::uint64_t bytes = request.copied_tail.size();
  for (const verbs::Sge& piece : request.tail) bytes += piece.length;
  return bytes;
}

std::uint64_t request_bytes(const CallRequest& request) {
  return sizeof(RequestHeader) + request.body.size() + tail_bytes(request);
}

}  // namespace

Error ClientSession::check(const CallRequest& request) {
  if (request.body.size() > max_body_bytes) return Error::TooBig;
  if (request.copied_tail.size() > max_copied_tail_bytes) return Error::TooBig;
  if (request.tail.size() > max_tail_segments) return Error::TooBig;
  if (request_bytes(request) > max_request_bytes) return Error::TooBig;
  return Error::None;
}

void ClientSession::submit(Call& call) {
  const base::SpinGuard guard(core_.lock());
  if (call.request.priority == Priority::Demand) core_.demand_submitted();
  LEGO_ASSERT(call.state_ == Call::State::Idle);
  call.peer_ = this;
  call.told_ = false;
  call.submitted_ns_ = core_.now_ns();
  call.state_ = Call::State::Queued;
  const Error error = state_ == State::Dead ? Error::PeerDead : check(call.request);
  if (error != Error::None) {
    core_.tell_completed(call, error, {});
    core_.tell_released(call);
    return;
  }
  core_.watch_deadline(call);
  queues_[static_cast<std::size_t>(call.request.priority)].push_back(call);
  if (state_ == State::Established) {
    pump();
  } else {
    want_connection();
  }
}

void ClientSession::abandon(Call& call) {
  const base::SpinGuard guard(core_.lock());
  if (call.peer_ == this && !call.told_) leave(call, Error::Interrupted);
}

bool ClientSession::connected() {
  const base::SpinGuard guard(core_.lock());
  return state_ == State::Established;
}

// --- sending ---

// Write-back keeps slots that nothing else takes, and may not have more than a few; so prefetch.
bool ClientSession::may_send(Priority priority) const {
  std::uint16_t used = 0;
  for (const std::uint16_t count : in_use_) used = static_cast<std::uint16_t>(used + count);
  if (used >= granted_) return false;
  const std::uint16_t write_backs = in_use_[static_cast<std::size_t>(Priority::WriteBack)];
  if (priority == Priority::WriteBack) return write_backs < write_back_max_slots;
  if (priority == Priority::Prefetch &&
      in_use_[static_cast<std::size_t>(Priority::Prefetch)] >= std::min<int>(prefetch_max_slots, (granted_ + 1) / 2)) {
    return false;
  }
  const int reserved = granted_ >= 4 * write_back_reserved_slots ? write_back_reserved_slots : 0;
  return granted_ - used > reserved - std::min<int>(write_backs, reserved);
}

std::uint16_t ClientSession::free_slot() {
  for (std::uint16_t tried = 0; tried < granted_; ++tried) {
    const auto index = static_cast<std::uint16_t>((next_slot_ + tried) % granted_);
    if (slots_[index].in_use) continue;
    next_slot_ = static_cast<std::uint16_t>(index + 1);
    return index;
  }
  return no_slot;
}

void ClientSession::pump() {
  for (std::size_t priority = 0; priority < priority_count; ++priority) {
    CallQueue& queue = queues_[priority];
    while (!queue.empty() && state_ == State::Established && may_send(static_cast<Priority>(priority))) {
      const std::uint16_t index = free_slot();
      if (index == no_slot) return;
      Call& call = queue.front();
      queue.pop_front();
      if (request_bytes(call.request) > max_request_bytes_) {
        core_.forget_deadline(call);
        core_.tell_completed(call, Error::TooBig, {});
        core_.tell_released(call);
      } else {
        start(call, index);
      }
    }
  }
}

void ClientSession::start(Call& call, std::uint16_t index) {
  Slot& slot = slots_[index];
  slot.call = &call;
  ++slot.sequence;
  slot.operation = static_cast<std::uint16_t>(call.request.operation);
  slot.request_id = core_.next_request_id();
  slot.priority = call.request.priority;
  slot.in_use = true;
  slot.answered = slot.settled = slot.held = slot.resend = false;
  ++in_use_[static_cast<std::size_t>(slot.priority)];
  if (slot.priority == Priority::Demand) core_.demand_sent();
  call.state_ = Call::State::Sent;
  call.slot_ = index;
  if (OperationCounters* counters = core_.statistics().made(slot.operation)) {
    ++counters->count;
    if (slot.priority == Priority::Demand) ++counters->demand;
    counters->bytes_out += request_bytes(call.request);
  }
  post(index, false);
}

void ClientSession::post(std::uint16_t index, bool retry) {
  Slot& slot = slots_[index];
  const CallRequest& request = slot.call->request;
  const std::uint64_t now_ns = core_.now_ns();
  RequestHeader header;
  header.version = messages::protocol_version;
  header.operation = slot.operation;
  header.flags = static_cast<std::uint16_t>((retry ? static_cast<unsigned>(RequestFlags::Retry) : 0u) |
                                            (request.one_way ? static_cast<unsigned>(RequestFlags::OneWay) : 0u));
  header.slot = index;
  header.slot_sequence = slot.sequence;
  header.body_bytes = static_cast<std::uint32_t>(request.body.size());
  header.tail_bytes = static_cast<std::uint32_t>(tail_bytes(request));
  header.request_id = slot.request_id;
  header.vnode = request.vnode.value();
  header.epoch = core_.epoch();
  if (request.deadline_ns != base::never_ns) {
    header.deadline_ns = request.deadline_ns > now_ns ? request.deadline_ns - now_ns : 1;
  }
  header.wall_time_ns = core_.wall_time_ns();
  header.bulk_address = request.bulk.address;
  header.bulk_rkey = request.bulk.rkey;
  header.bulk_capacity = request.bulk.bytes;

  const Buffer& buffer = send_buffers_[index];
  std::byte* end = buffer.address;
  std::memcpy(end, &header, sizeof(header));
  end = std::copy(request.body.begin(), request.body.end(), end + sizeof(header));
  end = std::copy(request.copied_tail.begin(), request.copied_tail.end(), end);

  std::array<verbs::Sge, 1 + max_tail_segments> pieces;
  pieces[0] = {reinterpret_cast<std::uint64_t>(buffer.address), static_cast<std::uint32_t>(end - buffer.address),
               buffer.lkey};
  std::size_t count = 1;
  for (const verbs::Sge& piece : request.tail) {
    if (piece.length != 0) pieces[count++] = piece;
  }
  verbs::SendWorkRequest work;
  work.wr_id = work_id(WorkKind::Request, index);
  work.opcode = verbs::Opcode::Send;
  work.solicited = !request.tail.empty();  // the caller wants its memory back: acknowledged at once
  work.sg_list = std::span(pieces).first(count);
  slot.resend = false;
  if (link_.post_send(work)) slot.sending = true;
  // If it could not be posted the link has failed, and the request goes over the next one.
  watch_silence();
}

// --- answers ---

void ClientSession::sent_locked(WorkKind kind, std::uint16_t index) {
  heard_ns_ = core_.now_ns();
  if (kind == WorkKind::Probe) {
    probing_ = false;
    return;
  }
  Slot& slot = slots_[index];
  slot.sending = false;
  release_if_possible(slot);
  free_if_possible(slot);
}

void ClientSession::received_locked(std::uint16_t buffer, const verbs::WorkCompletion& completion) {
  heard_ns_ = core_.now_ns();
  if (completion.opcode == verbs::CompletionOpcode::ReceiveRdmaWithImmediate) {
    post_receive(buffer);
    received_page(completion);
  } else if (!received_message(buffer, completion.byte_len)) {
    post_receive(buffer);
  }
}

void ClientSession::received_page(const verbs::WorkCompletion& completion) {
  const std::uint16_t index = immediate_slot(completion.immediate);
  Slot* slot = index < slots_.size() ? &slots_[index] : nullptr;
  if (slot == nullptr || !slot->in_use || slot->answered || !immediate_matches(completion.immediate, slot->sequence)) {
    ++core_.statistics().traffic.stale_replies;
    return;
  }
  Reply reply;
  reply.bulk_bytes_ = completion.byte_len;
  answer(index, Error::None, std::move(reply), completion.byte_len);
}

// Whether the buffer stays in use.
bool ClientSession::received_message(std::uint16_t buffer, std::uint32_t bytes) {
  TrafficCounters& traffic = core_.statistics().traffic;
  const std::byte* message = receive_buffers_[buffer].address;
  ReplyHeader header;
  if (bytes < sizeof(header)) {
    ++traffic.malformed_replies;
    return false;
  }
  std::memcpy(static_cast<void*>(&header), message, sizeof(header));
  const std::uint16_t index = header.slot;
  if (header.version != messages::protocol_version || index >= slots_.size()) {
    ++traffic.malformed_replies;
    return false;
  }
  Slot& slot = slots_[index];
  if (!slot.in_use || slot.answered || header.slot_sequence != slot.sequence || header.request_id != slot.request_id ||
      header.operation != slot.operation) {
    ++traffic.stale_replies;
    return false;
  }
  const std::uint64_t length = sizeof(header) + std::uint64_t{header.body_bytes} + header.tail_bytes;
  const std::uint32_t status = header.status;
  const std::uint32_t capacity = slot.call != nullptr ? slot.call->request.bulk.bytes : header.bulk_bytes.get();
  if (length != bytes || header.flags != 0 || header.reserved != 0 || header.bulk_bytes > capacity ||
      status > static_cast<std::uint32_t>(Error::OutOfRange)) {
    ++traffic.malformed_replies;
    answer(index, Error::Malformed, {}, bytes);
    return false;
  }
  const std::uint64_t bytes_in = std::uint64_t{bytes} + header.bulk_bytes;
  if (slot.call == nullptr || slot.call->told_ || status != 0) {
    answer(index, static_cast<Error>(status), {}, bytes_in);
    return false;
  }
  Reply reply;
  reply.peer_ = this;
  reply.slot_ = index;
  reply.bulk_bytes_ = header.bulk_bytes;
  reply.body_ = {message + sizeof(header), header.body_bytes};
  reply.tail_ = {message + sizeof(header) + header.body_bytes, header.tail_bytes};
  slot.held = true;
  slot.reply_buffer = buffer;
  receive_held_[buffer] = true;
  answer(index, Error::None, std::move(reply), bytes_in);
  return true;
}

void ClientSession::answer(std::uint16_t index, Error outcome, Reply reply, std::uint64_t bytes_in) {
  Slot& slot = slots_[index];
  slot.answered = true;
  if (OperationCounters* counters = core_.statistics().made(slot.operation)) {
    counters->bytes_in += bytes_in;
    if (outcome != Error::None) ++counters->errors;
    if (slot.call != nullptr) counters->durations.add(core_.now_ns() - slot.call->submitted_ns_);
  }
  if (slot.call != nullptr) {
    if (!slot.call->told_) {
      core_.forget_deadline(*slot.call);
      core_.tell_completed(*slot.call, outcome, std::move(reply));
    }
    release_if_possible(slot);
  }
  free_if_possible(slot);
}

// The call's memory is its owner's again when the peer has answered and our side has stopped reading it.
void ClientSession::release_if_possible(Slot& slot) {
  if (slot.call == nullptr || !slot.answered) return;
  if (slot.sending && !slot.call->request.tail.empty()) return;
  core_.tell_released(*slot.call);
  slot.call = nullptr;
}

// Nobody waits for its answer any more, or has it. The slot may still have to wait for an acknowledgement, which may
// come late, and which nobody else needs to wait for.
void ClientSession::settle_if_possible(Slot& slot) {
  if (!slot.in_use || !slot.answered || slot.held || std::exchange(slot.settled, true)) return;
  --in_use_[static_cast<std::size_t>(slot.priority)];
  if (slot.priority == Priority::Demand) core_.demand_ended();
}

void ClientSession::free_if_possible(Slot& slot) {
  settle_if_possible(slot);
  if (slot.settled && !slot.sending && slot.call == nullptr) slot.in_use = false;
  if (state_ == State::Established) pump();
}

void ClientSession::post_receive(std::uint16_t buffer) {
  if (link_.is_open()) (void)link_.post_receive(buffer, receive_buffers_[buffer]);
}

void ClientSession::drop_reply(std::uint16_t index) {
  const base::SpinGuard guard(core_.lock());
  Slot& slot = slots_[index];
  slot.held = false;
  receive_held_[slot.reply_buffer] = false;
  post_receive(slot.reply_buffer);
  free_if_possible(slot);
}

void Reply::drop() { std::exchange(peer_, nullptr)->drop_reply(slot_); }

Call::~Call() { LEGO_ASSERT(state_ == State::Idle); }

// --- leaving early ---

void ClientSession::deadline_passed(Call& call) {
  ++core_.statistics().traffic.timeouts;
  const bool fence = call.state_ == Call::State::Sent && !slots_[call.slot_].resend && names_memory(call.request) &&
                     call.request.lateness == Lateness::Fence;
  leave(call, Error::TimedOut);
  if (!fence) return;
  lost();
  wait_and_retry();
}

void ClientSession::leave(Call& call, Error outcome) {
  core_.forget_deadline(call);
  if (call.state_ == Call::State::Queued) {
    queues_[static_cast<std::size_t>(call.request.priority)].erase(CallQueue::s_iterator_to(call));
    core_.tell_completed(call, outcome, {});
    core_.tell_released(call);
    return;
  }
  core_.tell_completed(call, outcome, {});
  Slot& slot = slots_[call.slot_];
  if (names_memory(call.request) && !slot.resend) return;  // until the peer answers or the connection ends
  core_.tell_released(call);
  slot.call = nullptr;
  if (slot.resend) {  // nothing is under way: the server may forget it when it sees the slot's next request
    slot.answered = true;
    free_if_possible(slot);
  }
}

}  // namespace rpc

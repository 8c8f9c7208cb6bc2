// SPDX-License-Identifier: Apache-2.0
// Requests as they arrive at a server session: slots and sequence numbers, checks, and the way to the handler. Whatever
// a peer sends ends here in a counter, an error or a handler that can rely on the request's shape.
#include <algorithm>
#include <cstring>

#include "kernel/base/log.h"
#include "net/rpc/server_session.h"
#include "net/rpc/statistics.h"

namespace rpc {

void ServerSession::received_locked(std::uint16_t buffer, const verbs::WorkCompletion& completion) {
  const bool kept = completion.opcode == verbs::CompletionOpcode::Receive && receive(buffer, completion.byte_len);
  if (!kept) post_receive(buffer);
}

// Whether the buffer stays in use.
bool ServerSession::receive(std::uint16_t buffer, std::uint32_t bytes) {
  TrafficCounters& traffic = core_.statistics().traffic;
  RequestHeader header;
  if (bytes < sizeof(header)) {
    ++traffic.malformed_requests;
    return false;
  }
  std::memcpy(static_cast<void*>(&header), receive_buffers_[buffer].address, sizeof(header));
  // Nothing can be answered that does not name a slot of this session.
  if (header.version != messages::protocol_version || header.slot >= slots_.size()) {
    ++traffic.malformed_requests;
    return false;
  }
  Slot& slot = slots_[header.slot];
  const auto ahead = static_cast<std::int32_t>(header.slot_sequence - slot.sequence);
  if (!slot.fresh && ahead < 0) {
    ++traffic.stale_requests;
    return false;
  }
  if (!slot.fresh && ahead == 0 && repeat(slot, header)) return false;
  return begin(slot, header, buffer, bytes);
}

// A request that has come before. False: it must be executed again (its answer was not remembered).
bool ServerSession::repeat(Slot& slot, const RequestHeader& header) {
  if (ServerCallRecord* call = slot.deferred != nullptr ? slot.deferred : slot.running) {
    call->generation = link_.generation();  // its answer goes over this connection
    return true;
  }
  if (slot.sending) return true;  // being answered right now
  if (!slot.remembered) return false;
  ++core_.statistics().traffic.replayed_replies;
  send_reply(header.slot, slot.reply_bytes);
  return true;
}

bool ServerSession::begin(Slot& slot, const RequestHeader& header, std::uint16_t buffer, std::uint32_t bytes) {
  if (slot.deferred != nullptr || (slot.running != nullptr && slot.running->generation == link_.generation())) {
    ++core_.statistics().traffic.malformed_requests;  // a new request in a slot that has not been answered
    return false;
  }
  ServerCallRecord* call = take_call();
  if (call == nullptr) {
    link_.note_failure();  // no memory even for an error: the client comes back later
    return false;
  }
  if (slot.running != nullptr) slot.running->generation = 0;  // its client has given it up
  slot.running = nullptr;
  slot.fresh = slot.remembered = false;
  slot.sequence = header.slot_sequence;
  call->header_ = header;
  call->peer_info = who_;
  call->buffer = buffer;
  call->has_buffer = true;
  ++held_buffers_;
  call->generation = link_.generation();
  call->bytes_in = bytes;
  call->received_ns = core_.now_ns();
  const std::uint64_t time_left_ns = header.deadline_ns;
  call->deadline_ns_ = time_left_ns == 0 || time_left_ns > base::never_ns - call->received_ns
                           ? base::never_ns
                           : call->received_ns + time_left_ns;
  if (slot.sending) {
    slot.deferred = call;
  } else {
    dispatch(*call);
  }
  return true;
}

// Everything about a request that can be checked without its handler.
Error ServerSession::admit(ServerCallRecord& call, std::uint32_t bytes) {
  const RequestHeader& header = call.header_;
  const std::uint64_t length = sizeof(header) + std::uint64_t{header.body_bytes} + header.tail_bytes;
  if (length != bytes || header.body_bytes > max_body_bytes || (header.flags & ~request_flags_mask) != 0 ||
      header.reserved != 0) {
    return Error::Malformed;
  }
  keep_request(call);
  call.entry = server_.find(header.operation);
  if (call.entry == nullptr || call.entry->body_bytes != header.body_bytes || !call.entry->valid(call.body_)) {
    return Error::Malformed;
  }
  const bool joining =
      call.operation() == messages::Operation::Join || call.operation() == messages::Operation::JoinProve;
  return call.peer_info.node || joining ? Error::None : Error::AccessDenied;
}

void ServerSession::dispatch(ServerCallRecord& call) {
  Slot& slot = slot_of(call);
  slot.running = &call;
  const Error error = admit(call, static_cast<std::uint32_t>(call.bytes_in));
  if (error != Error::None) {
    TrafficCounters& traffic = core_.statistics().traffic;
    ++(error == Error::Malformed ? traffic.malformed_requests : traffic.refused_requests);
    (void)reply(call, error, {}, {});
    finish(call);
    return;
  }
  if (call.tail_.empty()) give_buffer_back(call);
  call.one_way = (call.header_.flags & static_cast<unsigned>(RequestFlags::OneWay)) != 0;
  if (call.one_way && call.tail_.empty()) (void)reply(call, Error::None, {}, {});
  server_.loop().post(call);
}

// The body is copied, so that the buffer is needed only where there is a tail.
void ServerSession::keep_request(ServerCallRecord& call) {
  const std::byte* message = receive_buffers_[call.buffer].address + sizeof(RequestHeader);
  std::copy_n(message, call.header_.body_bytes.get(), call.body_copy.begin());
  call.body_ = std::span(call.body_copy).first(call.header_.body_bytes);
  call.tail_ = {message + call.header_.body_bytes, call.header_.tail_bytes};
}

void ServerSession::give_buffer_back(ServerCallRecord& call) {
  if (!call.has_buffer) return;
  call.has_buffer = false;
  --held_buffers_;
  post_receive(call.buffer);
}

void ServerSession::post_receive(std::uint16_t buffer) {
  if (link_.is_open()) (void)link_.post_receive(buffer, receive_buffers_[buffer]);
}

Result<> ServerSession::add_call() {
  auto call = TRY(base::try_make<ServerCallRecord>());
  TRY(calls_.push_back(std::move(call)));
  calls_.back()->session = this;
  free_calls_.push_back(*calls_.back());
  ++free_count_;
  return {};
}

ServerCallRecord* ServerSession::take_call() {
  if (free_calls_.empty() && !add_call()) return nullptr;
  ServerCallRecord& call = free_calls_.front();
  free_calls_.pop_front();
  --free_count_;
  call.entry = nullptr;
  call.started = call.finished = call.one_way = call.replied_ = false;
  call.sending = ServerCallRecord::Sending::No;
  call.send_result = Error::None;
  call.bulk = {};
  call.waiter = nullptr;
  call.body_ = call.tail_ = {};
  return &call;
}

void ServerSession::recycle(ServerCallRecord& call) {
  free_calls_.push_back(call);
  ++free_count_;
  if (forgotten_) core_.maintenance_wanted();
}

}  // namespace rpc

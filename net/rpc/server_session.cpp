// SPDX-License-Identifier: Apache-2.0
// Connections and answers of a server session: see server_session.h.
#include "net/rpc/server_session.h"

#include <algorithm>
#include <cstring>

#include "kernel/base/log.h"
#include "net/rpc/limits.h"
#include "net/rpc/statistics.h"

namespace rpc {

namespace {

constexpr std::uint32_t reply_buffer_bytes = 8704;
static_assert(reply_buffer_bytes >= sizeof(ReplyHeader) + max_body_bytes + max_reply_tail_bytes);

}  // namespace

ServerSession::~ServerSession() {
  link_.close();
  LEGO_ASSERT(free_count_ == calls_.size());
  free_calls_.clear();
}

Result<> ServerSession::allocate(std::uint16_t slots) {
  BufferMemory& memory = core_.configuration().buffers;
  TRY(receive_buffers_.allocate(memory, slots, server_.limits().request_bytes));
  TRY(reply_buffers_.allocate(memory, slots, reply_buffer_bytes));
  TRY(slots_.resize(slots));
  for (std::uint32_t i = 0; i < 2u * slots; ++i) TRY(add_call());
  return {};
}

// --- connections ---

Result<> ServerSession::accept(verbs::ConnectionRequest& request, const PeerInfo& who, bool resumed) {
  if (link_.is_open()) lost();
  if (held_buffers_ != 0) return base::fail(Error::Busy);
  who_ = who;
  const auto slots = static_cast<std::uint16_t>(slots_.size());
  TRY(link_.open(slots + max_bulk_work_requests, slots, max_gathered_segments));
  for (std::uint16_t i = 0; i < slots; ++i) TRY(link_.post_receive(i, receive_buffers_[i]));
  messages::PeerWelcome welcome;
  welcome.version = messages::protocol_version;
  welcome.slots = slots;
  welcome.boot_id = core_.configuration().boot_id.value();
  welcome.max_request_bytes = server_.limits().request_bytes;
  welcome.resumed = resumed ? 1 : 0;
  verbs::ConnectionParameters parameters;
  parameters.private_data = std::as_bytes(std::span(&welcome, 1));
  parameters.adaptive_timeout = true;
  // Reading is for probes of no bytes: no memory of ours is registered for reading by peers.
  auto connection =
      request.accept(link_.queue_pair(), verbs::Access::LocalWrite | verbs::Access::RemoteRead, link_, parameters);
  if (!connection) {
    link_.close();
    return base::fail(connection.error());
  }
  link_.set_connection(std::move(*connection));
  ++core_.statistics().traffic.connects;
  return {};
}

void ServerSession::maintain(std::uint64_t now_ns) {
  (void)link_.take_event();
  if (link_.is_open() && link_.failed()) lost();
  if (!link_.is_open() && now_ns >= expires_ns_) forget();
}

void ServerSession::lost() {
  ++core_.statistics().traffic.disconnects;
  link_.close();
  bulk_waiting_.clear();
  bulk_outstanding_ = 0;
  for (Slot& slot : slots_) {
    slot.sending = false;
    if (slot.running != nullptr && slot.running->sending == ServerCallRecord::Sending::Bulk) {
      ServerCallRecord& call = *std::exchange(slot.running, nullptr);
      end_send(call, Error::Disconnected);
    }
    if (ServerCallRecord* sender = std::exchange(slot.sender, nullptr)) end_send(*sender, Error::Disconnected);
    if (ServerCallRecord* call = std::exchange(slot.deferred, nullptr)) dispatch(*call);
  }
  expires_ns_ = core_.now_ns() + session_retention_ns;
  core_.maintenance_wanted();
}

void ServerSession::forget() {
  if (link_.is_open()) lost();
  forgotten_ = true;
  for (Slot& slot : slots_) {
    if (slot.running != nullptr) std::exchange(slot.running, nullptr)->generation = 0;
  }
  expires_ns_ = base::never_ns;
  core_.maintenance_wanted();
}

// --- answers ---

void ServerSession::answered(ServerCallRecord& call, Error status, std::uint64_t bytes_out) {
  call.replied_ = true;
  call.tail_ = {};
  give_buffer_back(call);
  if (attached(call) && slot_of(call).running == &call) slot_of(call).running = nullptr;
  if (OperationCounters* counters = core_.statistics().served(call.header_.operation)) {
    ++counters->count;
    counters->bytes_in += call.bytes_in;
    counters->bytes_out += bytes_out;
    if (status != Error::None) ++counters->errors;
    counters->durations.add(core_.now_ns() - call.received_ns);
  }
}

std::uint32_t ServerSession::write_reply(ServerCallRecord& call, Error status, std::span<const std::byte> body,
                                         std::span<const std::byte> tail, std::uint64_t bulk_bytes) {
  ReplyHeader header;
  header.version = messages::protocol_version;
  header.operation = call.header_.operation;
  header.slot = call.header_.slot;
  header.slot_sequence = call.header_.slot_sequence;
  header.status = static_cast<std::uint32_t>(status);
  header.request_id = call.header_.request_id;
  header.body_bytes = static_cast<std::uint32_t>(body.size());
  header.tail_bytes = static_cast<std::uint32_t>(tail.size());
  header.bulk_bytes = static_cast<std::uint32_t>(bulk_bytes);
  std::byte* const start = reply_buffers_[call.header_.slot].address;
  std::memcpy(start, &header, sizeof(header));
  std::byte* end = std::copy(body.begin(), body.end(), start + sizeof(header));
  end = std::copy(tail.begin(), tail.end(), end);
  return static_cast<std::uint32_t>(end - start);
}

Result<> ServerSession::reply(ServerCallRecord& call, Error status, std::span<const std::byte> body,
                              std::span<const std::byte> tail) {
  if (call.replied_) return base::fail(Error::InvalidArgument);
  if (body.size() > max_body_bytes || tail.size() > max_reply_tail_bytes) {
    status = Error::TooBig;
    body = tail = {};
  }
  if (!attached(call)) {  // the client gave the request up
    answered(call, status, 0);
    return base::fail(Error::Disconnected);
  }
  // The slot's buffer is free: a request is not dispatched before the slot's last answer has been sent.
  Slot& slot = slot_of(call);
  slot.reply_bytes = write_reply(call, status, body, tail, 0);
  slot.remembered = true;
  answered(call, status, slot.reply_bytes);
  if (can_send(call)) send_reply(call.header_.slot, slot.reply_bytes);
  return status == Error::TooBig ? Result<>(base::fail(status)) : Result<>();
}

void ServerSession::send_reply(std::uint16_t index, std::uint32_t bytes) {
  const Buffer& buffer = reply_buffers_[index];
  const verbs::Sge piece{reinterpret_cast<std::uint64_t>(buffer.address), bytes, buffer.lkey};
  verbs::SendWorkRequest work;
  work.wr_id = work_id(WorkKind::Reply, index);
  work.opcode = verbs::Opcode::Send;
  // Acknowledged at once, with all page replies before it: whoever gives memory back by a call has it back soon after.
  work.solicited = true;
  work.sg_list = std::span(&piece, 1);
  if (link_.post_send(work)) slots_[index].sending = true;
  // If it could not be posted the link has failed, and the client asks again.
}

Result<> ServerSession::start_bulk(ServerCallRecord& call, std::span<const std::byte> body,
                                   std::span<const verbs::Sge> spans) {
  if (call.replied_ || call.one_way) return base::fail(Error::InvalidArgument);
  std::uint64_t bytes = 0;
  for (const verbs::Sge& span : spans) bytes += span.length;
  if (body.size() > max_body_bytes || bytes > call.header_.bulk_capacity) return base::fail(Error::TooBig);
  if (!can_send(call)) {
    answered(call, Error::Disconnected, 0);  // not remembered: the retry is executed
    return base::fail(Error::Disconnected);
  }
  Slot& slot = slot_of(call);
  call.reply_bytes = write_reply(call, Error::None, body, {}, bytes);
  answered(call, Error::None, call.reply_bytes + bytes);
  slot.running = &call;  // until the last piece is posted
  call.bulk = spans;
  call.bulk_offset = 0;
  call.sending = ServerCallRecord::Sending::Bulk;
  push_bulk(call);
  return {};
}

void ServerSession::push_bulk(ServerCallRecord& call) {
  while (!call.bulk.empty()) {
    if (bulk_outstanding_ >= max_bulk_work_requests) {
      bulk_waiting_.push_back(call);
      return;
    }
    std::array<verbs::Sge, max_gathered_segments> pieces;
    std::size_t count = 0;
    std::uint64_t bytes = 0;
    while (!call.bulk.empty() && count < pieces.size()) {
      const verbs::Sge& piece = call.bulk.front();
      if (piece.length != 0) pieces[count++] = piece;
      bytes += piece.length;
      call.bulk = call.bulk.subspan(1);
    }
    if (count == 0) break;
    verbs::SendWorkRequest work;
    work.wr_id = work_id(WorkKind::Bulk, call.header_.slot);
    work.opcode = verbs::Opcode::RdmaWrite;
    work.sg_list = std::span(pieces).first(count);
    work.remote_address = call.header_.bulk_address + call.bulk_offset;
    work.rkey = call.header_.bulk_rkey;
    call.bulk_offset += bytes;
    if (!link_.post_send(work)) return;  // failed: lost() ends the send
    ++bulk_outstanding_;
  }
  Slot& slot = slot_of(call);
  slot.running = nullptr;
  slot.sender = &call;
  call.sending = ServerCallRecord::Sending::Last;
  send_reply(call.header_.slot, call.reply_bytes);
}

Result<> ServerSession::start_page(ServerCallRecord& call, const verbs::Sge& page) {
  if (call.replied_ || call.one_way) return base::fail(Error::InvalidArgument);
  if (page.length != base::page_bytes || call.header_.bulk_capacity != page.length) return base::fail(Error::TooBig);
  const bool sendable = can_send(call);
  answered(call, sendable ? Error::None : Error::Disconnected, sendable ? page.length : 0);
  if (!sendable) return base::fail(Error::Disconnected);
  Slot& slot = slot_of(call);
  slot.sender = &call;
  call.sending = ServerCallRecord::Sending::Last;
  verbs::SendWorkRequest work;
  work.wr_id = work_id(WorkKind::Reply, call.header_.slot);
  work.opcode = verbs::Opcode::RdmaWriteWithImmediate;
  work.sg_list = std::span(&page, 1);
  work.immediate = page_immediate(call.header_.slot, call.header_.slot_sequence);
  work.remote_address = call.header_.bulk_address;
  work.rkey = call.header_.bulk_rkey;
  if (link_.post_send(work)) slot.sending = true;
  return {};
}

void ServerSession::sent_locked(WorkKind kind, std::uint16_t index) {
  if (kind == WorkKind::Bulk) {
    --bulk_outstanding_;
    while (!bulk_waiting_.empty() && bulk_outstanding_ < max_bulk_work_requests) {
      ServerCallRecord& call = bulk_waiting_.front();
      bulk_waiting_.pop_front();
      push_bulk(call);
    }
    return;
  }
  Slot& slot = slots_[index];
  slot.sending = false;
  if (ServerCallRecord* sender = std::exchange(slot.sender, nullptr)) end_send(*sender, Error::None);
  if (ServerCallRecord* call = std::exchange(slot.deferred, nullptr)) dispatch(*call);
}

void ServerSession::end_send(ServerCallRecord& call, Error result) {
  call.sending = ServerCallRecord::Sending::Done;
  call.send_result = result;
  if (call.waiter) {
    server_.loop().post(call);
  } else if (call.finished) {
    recycle(call);
  }
}

// The handler has returned.
void ServerSession::finish(ServerCallRecord& call) {
  give_buffer_back(call);
  call.finished = true;
  if (call.sending == ServerCallRecord::Sending::No || call.sending == ServerCallRecord::Sending::Done) recycle(call);
}

}  // namespace rpc

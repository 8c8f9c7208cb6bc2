// SPDX-License-Identifier: Apache-2.0
// Connections of a client session: connecting when there is something to send, the welcome, refusals, and what becomes
// of requests when a connection ends. All of it runs in Endpoint::maintain.
#include <algorithm>
#include <cstring>

#include "kernel/base/log.h"
#include "net/rpc/client_session.h"
#include "net/rpc/statistics.h"

namespace rpc {

namespace {

constexpr std::uint64_t first_backoff_ns = base::millisecond_ns;
constexpr std::uint64_t max_backoff_ns = 500 * base::millisecond_ns;

// Of a request: header, body, copied tail. Of a reply: header, body, tail.
constexpr std::uint32_t send_buffer_bytes = 5120;
constexpr std::uint32_t receive_buffer_bytes = 8704;
static_assert(send_buffer_bytes >= sizeof(RequestHeader) + max_body_bytes + max_copied_tail_bytes);
static_assert(receive_buffer_bytes >= sizeof(ReplyHeader) + max_body_bytes + max_reply_tail_bytes);

template <messages::Body T>
bool read(std::span<const std::byte> bytes, T& value) {
  if (bytes.size() < sizeof(T)) return false;
  std::memcpy(static_cast<void*>(&value), bytes.data(), sizeof(T));
  return true;
}

}  // namespace

ClientSession::~ClientSession() {
  link_.close();
  for (const CallQueue& queue : queues_) LEGO_ASSERT(queue.empty());
}

void ClientSession::want_connection() {
  if (state_ != State::Idle) return;
  state_ = State::Waiting;
  retry_at_ns_ = core_.now_ns();
  core_.maintenance_wanted();
}

void ClientSession::maintain(std::uint64_t now_ns) {
  switch (link_.take_event()) {
    case Link::Event::Established:
      established();
      break;
    case Link::Event::Rejected:
      rejected();
      break;
    case Link::Event::None:
      break;
  }
  if (link_.is_open() && link_.failed()) {
    lost();
    wait_and_retry();
  }
  if (state_ == State::Waiting && now_ns >= retry_at_ns_) connect();
  if (state_ == State::Established && now_ns >= probe_at_ns_) probe(now_ns);
}

// While answers are awaited, maintenance looks at the connection every now and then.
void ClientSession::watch_silence() {
  if (probe_at_ns_ != base::never_ns) return;
  probe_at_ns_ = core_.now_ns() + probe_interval_ns;
  core_.maintenance_wanted();
}

bool ClientSession::awaits_answer() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.in_use && !slot.answered; });
}

void ClientSession::probe(std::uint64_t now_ns) {
  probe_at_ns_ = base::never_ns;
  if (!awaits_answer()) return;
  probe_at_ns_ = std::max(heard_ns_, now_ns - probe_interval_ns) + probe_interval_ns;
  if (probe_at_ns_ > now_ns) return;  // it was heard meanwhile
  probe_at_ns_ = now_ns + probe_interval_ns;
  if (std::exchange(probing_, true)) return;  // the engine is still trying, and will give up some time
  verbs::SendWorkRequest work;
  work.wr_id = work_id(WorkKind::Probe, 0);
  work.opcode = verbs::Opcode::RdmaRead;
  (void)link_.post_send(work);
}

Result<> ClientSession::allocate() {
  if (!slots_.empty()) return {};
  const std::uint16_t count = std::clamp<std::uint16_t>(core_.configuration().slots, 1, max_slots);
  BufferMemory& memory = core_.configuration().buffers;
  TRY(receive_held_.resize(count));
  if (send_buffers_.count() == 0) TRY(send_buffers_.allocate(memory, count, send_buffer_bytes));
  if (receive_buffers_.count() == 0) TRY(receive_buffers_.allocate(memory, count, receive_buffer_bytes));
  return slots_.resize(count);
}

void ClientSession::connect() {
  state_ = State::Connecting;
  if (const auto started = try_connect(); !started) {
    base::log_warning("rpc", "cannot connect to node {}: {}", address_.node, started.error());
    link_.close();
    wait_and_retry();
  }
}

Result<> ClientSession::try_connect() {
  TRY(allocate());
  const auto count = static_cast<std::uint32_t>(slots_.size());
  TRY(link_.open(count + 1, count, 1 + max_tail_segments));  // one more for probes
  for (std::uint16_t i = 0; i < count; ++i) {
    if (!receive_held_[i]) TRY(link_.post_receive(i, receive_buffers_[i]));
  }
  messages::PeerHello hello;
  hello.version = messages::protocol_version;
  hello.slots = static_cast<std::uint16_t>(count);
  hello.boot_id = core_.configuration().boot_id.value();
  hello.peer_boot_id = address_.boot_id.value();
  hello.session = session_;
  core_.configuration().identity.fill_hello(hello, address_);
  verbs::ConnectionParameters parameters;
  parameters.private_data = std::as_bytes(std::span(&hello, 1));
  parameters.adaptive_timeout = true;
  link_.set_connection(TRY(core_.configuration().connections.connect(
      link_.queue_pair(), verbs::Access::LocalWrite | verbs::Access::RemoteWrite, verbs::Gid::from_ipv4(address_.ip),
      address_.port, link_, parameters)));
  return {};
}

void ClientSession::established() {
  messages::PeerWelcome welcome;
  if (state_ != State::Connecting || !read(link_.private_data(), welcome) ||
      welcome.version != messages::protocol_version || welcome.slots == 0 ||
      welcome.max_request_bytes < sizeof(RequestHeader) + max_body_bytes) {
    base::log_warning("rpc", "node {} accepted with a malformed welcome", address_.node);
    link_.note_failure();
    return;
  }
  if (address_.boot_id && welcome.boot_id != address_.boot_id.value()) {
    declare_dead();
    return;
  }
  const bool same_boot = !server_boot_ || server_boot_.value() == welcome.boot_id;
  server_boot_ = base::BootId(welcome.boot_id);
  granted_ = std::min(welcome.slots.get(), static_cast<std::uint16_t>(slots_.size()));
  max_request_bytes_ = welcome.max_request_bytes;
  state_ = State::Established;
  backoff_ns_ = 0;
  heard_ns_ = core_.now_ns();
  ++core_.statistics().traffic.connects;
  resume_slots(same_boot && welcome.resumed != 0, same_boot);
  pump();
}

// What was not answered goes out again if the server remembers our slots, or never heard of it, or if executing it
// twice does no harm.
void ClientSession::resume_slots(bool resumed, bool same_boot) {
  for (std::uint16_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (!slot.in_use || !slot.resend) continue;
    if (i < granted_ && (resumed || (same_boot && safe_to_repeat(slot.call->request.operation)))) {
      ++core_.statistics().traffic.retried_requests;
      post(i, true);
    } else {
      end_unanswered(slot, Error::Disconnected);
    }
  }
}

// Operations whose second execution, right after the first, changes nothing and answers the same.
bool ClientSession::safe_to_repeat(messages::Operation operation) {
  using messages::Operation;
  switch (operation) {
    case Operation::Heartbeat:
    case Operation::NodeLookup:
    case Operation::NodeList:
    case Operation::Leave:
    case Operation::StatsRead:
    case Operation::MemoryPressure:
    case Operation::SpaceDiscard:
    case Operation::PageFetch:
    case Operation::PageWriteBack:
    case Operation::FrameReserve:
    case Operation::FileMount:
    case Operation::FileLookup:
    case Operation::FileGetAttributes:
    case Operation::FileSetAttributes:
    case Operation::FileReadLink:
    case Operation::FileReadDirectory:
    case Operation::FileRead:
    case Operation::FileWrite:
    case Operation::FileSync:
    case Operation::FileStatistics:
    case Operation::FileReserve:
    case Operation::FileLimit:
    case Operation::FileListXattrs:
    case Operation::FilePunch:
    case Operation::FileExtent:
      return true;
    default:
      return false;
  }
}

void ClientSession::rejected() {
  messages::PeerRefusal refusal;
  const auto reason = static_cast<std::uint16_t>(link_.reject_reason());
  Error error = Error::Busy;
  if (link_.reject_reason() == verbs::RejectReason::Consumer && read(link_.private_data(), refusal)) {
    error = static_cast<Error>(refusal.error.get());
  }
  lost();
  switch (error) {
    case Error::VersionMismatch:
    case Error::AuthenticationFailed:
    case Error::Malformed:
      base::log_error("rpc", "node {} refuses our connection: {}", address_.node, error);
      state_ = State::Idle;
      fail_all(error);
      break;
    case Error::Stale:
      declare_dead();
      break;
    default:
      base::log_debug("rpc", "connecting to node {} failed with reason {}", address_.node, reason);
      wait_and_retry();
      break;
  }
}

// The connection is gone, and with it everybody's access to the memory of its requests.
void ClientSession::lost() {
  if (state_ == State::Established) ++core_.statistics().traffic.disconnects;
  link_.close();
  state_ = State::Idle;
  probe_at_ns_ = base::never_ns;
  probing_ = false;
  for (Slot& slot : slots_) {
    if (!slot.in_use) continue;
    slot.sending = false;
    if (slot.answered) {
      release_if_possible(slot);
    } else if (slot.call == nullptr) {
      slot.answered = true;
    } else if (slot.call->told_) {  // somebody left and waited for this
      slot.answered = true;
      release_if_possible(slot);
    } else {
      slot.resend = true;
    }
    free_if_possible(slot);
  }
}

// Connects again if there is anything to send.
void ClientSession::wait_and_retry() {
  bool wanted = false;
  for (const CallQueue& queue : queues_) wanted |= !queue.empty();
  for (const Slot& slot : slots_) wanted |= slot.in_use && slot.resend;
  backoff_ns_ = std::clamp(backoff_ns_ * 2, first_backoff_ns, max_backoff_ns);
  state_ = wanted ? State::Waiting : State::Idle;
  retry_at_ns_ = core_.now_ns() + backoff_ns_;
}

void ClientSession::end_unanswered(Slot& slot, Error error) {
  core_.forget_deadline(*slot.call);
  core_.tell_completed(*slot.call, error, {});
  core_.tell_released(*slot.call);
  slot.call = nullptr;
  slot.resend = false;
  slot.answered = true;
  free_if_possible(slot);
}

// With the connection lost: ends every call.
void ClientSession::fail_all(Error error) {
  for (Slot& slot : slots_) {
    if (slot.in_use && slot.resend) end_unanswered(slot, error);
  }
  for (CallQueue& queue : queues_) {
    while (!queue.empty()) {
      Call& call = queue.front();
      queue.pop_front();
      core_.forget_deadline(call);
      core_.tell_completed(call, error, {});
      core_.tell_released(call);
    }
  }
}

void ClientSession::declare_dead() {
  if (state_ == State::Dead) return;
  lost();
  state_ = State::Dead;
  fail_all(Error::PeerDead);
}

}  // namespace rpc

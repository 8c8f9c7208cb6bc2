// SPDX-License-Identifier: Apache-2.0
#include "net/roce/connection_manager.h"

#include <algorithm>
#include <bit>

namespace roce {

using verbs::QpState;

RoceConnectionManager::~RoceConnectionManager() {
  for (auto& entry : entries_) entry->timer.cancel();
}

Result<> RoceConnectionManager::initialize() {
  const std::uint32_t count = core_.config.max_connections;
  index_bits_ = static_cast<std::uint32_t>(std::bit_width(count - 1));
  psn_ = static_cast<Psn>(core_.random.next()) & psn_mask;
  TRY(entries_.reserve(count));
  for (std::uint32_t index = 0; index < count; ++index) {
    const auto generation = static_cast<std::uint32_t>(core_.random.next());
    auto entry = TRY(base::try_make<ConnectionEntry>(*this, generation << index_bits_ | index));
    TRY(entries_.push_back(std::move(entry)));
  }
  core_.set_management(*this);
  return {};
}

// ---- The table

ConnectionEntry* RoceConnectionManager::allocate() {
  ConnectionEntry* waiting = nullptr;
  const auto count = static_cast<std::uint32_t>(entries_.size());
  for (std::uint32_t tried = 0; tried < count; ++tried) {
    ConnectionEntry& entry = *entries_[next_index_];
    next_index_ = (next_index_ + 1) % count;
    if (entry.state == ConnectionState::Free) return &entry;
    if (entry.state == ConnectionState::TimeWait && entry.handle == nullptr && waiting == nullptr) waiting = &entry;
  }
  if (waiting == nullptr) {
    ++core_.counters.cm_table_full;
    return nullptr;
  }
  free(*waiting);
  return waiting;
}

ConnectionEntry* RoceConnectionManager::find(std::uint32_t local_id) {
  const std::uint32_t index = local_id & ((std::uint32_t{1} << index_bits_) - 1);
  if (index >= entries_.size()) return nullptr;
  ConnectionEntry& entry = *entries_[index];
  return entry.state != ConnectionState::Free && entry.local_id == local_id ? &entry : nullptr;
}

// A message must come from the connection's peer.
ConnectionEntry* RoceConnectionManager::find_from(std::uint32_t local_id, const Arrival& arrival) {
  ConnectionEntry* entry = find(local_id);
  if (entry != nullptr && entry->peer == arrival.ip.source) return entry;
  return nullptr;
}

ConnectionEntry* RoceConnectionManager::find_remote(std::uint32_t remote_id, const verbs::Gid& peer, bool active) {
  for (auto& entry : entries_) {
    if (entry->state != ConnectionState::Free && entry->active == active && entry->remote_id == remote_id &&
        entry->peer == peer) {
      return entry.get();
    }
  }
  return nullptr;
}

Result<> RoceConnectionManager::reach(ConnectionEntry& entry, const verbs::Gid& peer) {
  if (!is_unicast(peer)) return base::fail(Error::InvalidArgument);
  entry.neighbor = TRY(core_.neighbors.acquire(peer));
  entry.has_neighbor = true;
  entry.peer = peer;
  return {};
}

void RoceConnectionManager::free(ConnectionEntry& entry) {
  entry.timer.cancel();
  entry.unlink();
  if (entry.has_neighbor) core_.neighbors.release(entry.neighbor);
  entry.has_neighbor = false;
  entry.state = ConnectionState::Free;
  entry.events = nullptr;
  entry.handle = nullptr;
  entry.was_established = false;
  entry.active = false;
  entry.remote_id = entry.qpn = entry.remote_qpn = 0;
  entry.local_id += std::uint32_t{1} << index_bits_;  // the next user's id is another one
}

void RoceConnectionManager::time_wait(ConnectionEntry& entry) {
  entry.state = ConnectionState::TimeWait;
  core_.deadlines.arm(entry.timer, core_.now_ns() + limits::time_wait_ns);
}

RoceConnectionManager::Listener* RoceConnectionManager::find_listener(std::uint16_t port) {
  for (Listener& listener : listeners_) {
    if (listener.listener != nullptr && listener.port == port) return &listener;
  }
  return nullptr;
}

// ---- verbs::ConnectionManager

Result<> RoceConnectionManager::listen(std::uint16_t port, verbs::ConnectionListener& listener) {
  if (find_listener(port) != nullptr) return base::fail(Error::Exists);
  for (Listener& place : listeners_) {
    if (place.listener != nullptr) continue;
    place = {port, &listener};
    return {};
  }
  return base::fail(Error::Exhausted);
}

void RoceConnectionManager::unlisten(std::uint16_t port) {
  if (Listener* listener = find_listener(port)) listener->listener = nullptr;
}

void RoceConnectionManager::take_parameters(ConnectionEntry& entry, const verbs::ConnectionParameters& parameters) {
  constexpr std::uint8_t most = limits::reads;
  entry.responder_resources = std::min(parameters.responder_resources, most);
  entry.initiator_depth = std::min(parameters.initiator_depth, most);
  entry.adaptive_timeout = parameters.adaptive_timeout;
}

Result<base::Own<verbs::Connection>> RoceConnectionManager::connect(verbs::QueuePair& queue_pair, verbs::Access access,
                                                                    verbs::Gid peer, std::uint16_t port,
                                                                    verbs::ConnectionEvents& events,
                                                                    const verbs::ConnectionParameters& parameters) {
  const std::uint32_t device_mtu = path_mtu_for(core_.config.link_mtu);
  const std::uint32_t path_mtu = parameters.path_mtu == 0 ? device_mtu : parameters.path_mtu;
  if (queue_pair.state() != QpState::Reset || path_mtu > device_mtu || parameters.timeout > 31 ||
      parameters.retry_count > 7 || parameters.rnr_retry_count > 7 ||
      parameters.private_data.size() > verbs::max_connect_private_data) {
    return base::fail(Error::InvalidArgument);
  }
  ConnectionEntry* entry = allocate();
  if (entry == nullptr) return base::fail(Error::Exhausted);
  auto handle = TRY(base::try_make<RoceConnection>(*this, entry->local_id, peer));
  TRY(reach(*entry, peer));
  verbs::QpAttributes initial;
  initial.state = QpState::Init;
  initial.access = access;
  if (const Result<> modified = queue_pair.modify(initial); !modified) {
    free(*entry);
    return base::fail(modified.error());
  }
  take_parameters(*entry, parameters);
  entry->state = ConnectionState::RequestSent;
  entry->active = true;
  entry->transaction = core_.random.next();
  entry->qpn = queue_pair.qp_num();
  entry->access = access;
  entry->path_mtu = path_mtu;
  entry->ack_timeout = parameters.timeout;
  entry->retry_count = parameters.retry_count;
  entry->rnr_retry_count = parameters.rnr_retry_count;
  entry->receive_psn = static_cast<Psn>(core_.random.next()) & psn_mask;
  entry->events = &events;
  entry->handle = handle.get();
  send_request(*entry, port, parameters.private_data);
  core_.pump();
  return handle;
}

Result<base::Own<verbs::Connection>> RoceConnectionManager::accept(std::uint32_t id, verbs::QueuePair& queue_pair,
                                                                   verbs::Access access,
                                                                   verbs::ConnectionEvents& events,
                                                                   const verbs::ConnectionParameters& parameters) {
  ConnectionEntry* entry = find(id);
  // The peer may have given up in the meantime.
  if (entry == nullptr || entry->state != ConnectionState::RequestReceived) return base::fail(Error::Disconnected);
  if (queue_pair.state() != QpState::Reset || parameters.rnr_retry_count > 7 ||
      parameters.private_data.size() > verbs::max_accept_private_data) {
    return base::fail(Error::InvalidArgument);
  }
  auto handle = TRY(base::try_make<RoceConnection>(*this, id, entry->peer));
  const std::uint8_t peer_depth = entry->initiator_depth;
  const std::uint8_t peer_resources = entry->responder_resources;
  take_parameters(*entry, parameters);
  entry->responder_resources = std::min(entry->responder_resources, peer_depth);
  entry->initiator_depth = std::min(entry->initiator_depth, peer_resources);
  entry->access = access;
  entry->qpn = queue_pair.qp_num();
  entry->receive_psn = static_cast<Psn>(core_.random.next()) & psn_mask;
  if (const Result<> up = bring_up(*entry); !up) {
    entry->qpn = 0;
    return base::fail(up.error());
  }
  entry->state = ConnectionState::ReplySent;
  entry->events = &events;
  entry->handle = handle.get();
  core_.find_queue_pair(entry->qpn)->watch_first_packet();
  entry->rnr_retry_count = parameters.rnr_retry_count;
  send_reply(*entry, parameters.private_data, {entry->tries_left, entry->interval_ns});
  core_.pump();
  return handle;
}

void RoceConnectionManager::reject(std::uint32_t id, verbs::RejectReason reason,
                                   std::span<const std::byte> private_data) {
  ConnectionEntry* entry = find(id);
  if (entry == nullptr || entry->state != ConnectionState::RequestReceived) return;
  send_reject(*entry, static_cast<std::uint16_t>(reason), private_data);
  time_wait(*entry);
  core_.pump();
}

void RoceConnectionManager::disconnect(std::uint32_t id) {
  ConnectionEntry* entry = find(id);
  if (entry == nullptr) return;
  if (entry->state == ConnectionState::Established) {
    send_disconnect(*entry);
  } else {
    cancel(*entry);
  }
  core_.pump();
}

// The user's handle goes away: no events any more.
void RoceConnectionManager::let_go(std::uint32_t id) {
  ConnectionEntry* entry = find(id);
  if (entry == nullptr) return;
  entry->events = nullptr;
  entry->handle = nullptr;
  disconnect(id);
}

// A connection that was not made yet.
void RoceConnectionManager::cancel(ConnectionEntry& entry) {
  if (entry.state != ConnectionState::RequestSent && entry.state != ConnectionState::ReplySent) return;
  bring_down(entry);
  send_reject(entry, static_cast<std::uint16_t>(verbs::RejectReason::Consumer), {});
  time_wait(entry);
  report_disconnected(entry);
}

// ---- Transitions

Result<> RoceConnectionManager::bring_up(ConnectionEntry& entry) {
  RoceQueuePair* queue_pair = core_.find_queue_pair(entry.qpn);
  if (queue_pair == nullptr) return base::fail(Error::Stale);
  verbs::QpAttributes attributes;
  attributes.access = entry.access;
  attributes.path_mtu = entry.path_mtu;
  attributes.destination = entry.peer;
  attributes.destination_qpn = entry.remote_qpn;
  attributes.send_psn = entry.send_psn;
  attributes.receive_psn = entry.receive_psn;
  attributes.max_destination_reads = entry.responder_resources;
  attributes.max_reads = entry.initiator_depth;
  attributes.timeout = entry.ack_timeout;
  attributes.retry_count = entry.retry_count;
  attributes.rnr_retry = entry.rnr_retry_count;
  attributes.adaptive_timeout = entry.adaptive_timeout;
  if (queue_pair->state() == QpState::Reset) {
    attributes.state = QpState::Init;
    TRY(queue_pair->modify(attributes));
  }
  attributes.state = QpState::ReadyToReceive;
  TRY(queue_pair->modify(attributes));
  attributes.state = QpState::ReadyToSend;
  return queue_pair->modify(attributes);
}

void RoceConnectionManager::bring_down(ConnectionEntry& entry) {
  if (RoceQueuePair* queue_pair = core_.find_queue_pair(entry.qpn)) {
    if (queue_pair->state() != QpState::Reset) queue_pair->enter_error();
  }
}

void RoceConnectionManager::establish(ConnectionEntry& entry, std::span<const std::byte> private_data) {
  entry.state = ConnectionState::Established;
  entry.was_established = true;
  entry.timer.cancel();
  ++core_.counters.cm_established;
  if (entry.handle != nullptr) entry.events->established(*entry.handle, private_data);
}

void RoceConnectionManager::report_rejected(ConnectionEntry& entry, verbs::RejectReason reason,
                                            std::span<const std::byte> private_data) {
  verbs::ConnectionEvents* events = std::exchange(entry.events, nullptr);
  verbs::Connection* handle = std::exchange(entry.handle, nullptr);
  if (handle != nullptr) events->rejected(*handle, reason, private_data);
}

void RoceConnectionManager::report_disconnected(ConnectionEntry& entry) {
  ++core_.counters.cm_disconnected;
  verbs::ConnectionEvents* events = std::exchange(entry.events, nullptr);
  verbs::Connection* handle = std::exchange(entry.handle, nullptr);
  if (handle != nullptr) events->disconnected(*handle);
}

// The passive side's connection works when the first packet arrives, should RTU be lost.
void RoceConnectionManager::first_packet(std::uint32_t qpn) {
  for (auto& entry : entries_) {
    if (entry->state == ConnectionState::ReplySent && entry->qpn == qpn) {
      establish(*entry, {});
      return;
    }
  }
}

void RoceConnectionManager::timed_out(ConnectionEntry& entry) {
  if (entry.state == ConnectionState::TimeWait) {
    free(entry);
    return;
  }
  if (entry.tries_left > 0) {
    --entry.tries_left;
    ++core_.counters.cm_retransmits;
    core_.neighbors.probe(entry.neighbor);  // it may have moved
    send_again(entry);
    core_.deadlines.arm(entry.timer, core_.now_ns() + entry.interval_ns);
    return;
  }
  ++core_.counters.cm_timeouts;
  switch (entry.state) {
    case ConnectionState::RequestSent:
    case ConnectionState::ReplySent:
      bring_down(entry);
      send_reject(entry, static_cast<std::uint16_t>(verbs::RejectReason::Timeout), {});
      time_wait(entry);
      report_rejected(entry, verbs::RejectReason::Timeout, {});
      break;
    case ConnectionState::DisconnectSent:
      time_wait(entry);
      report_disconnected(entry);
      break;
    default:
      break;
  }
}

// ---- Handles

void ConnectionEntry::timed_out() { manager.timed_out(*this); }

RoceConnection::~RoceConnection() { manager_.let_go(id_); }
void RoceConnection::disconnect() { manager_.disconnect(id_); }

RoceConnectionRequest::RoceConnectionRequest(RoceConnectionManager& manager, std::uint32_t id, const verbs::Gid& peer,
                                             std::uint32_t path_mtu, std::span<const std::byte> private_data)
    : manager_(manager), id_(id), peer_(peer), path_mtu_(path_mtu) {
  std::copy_n(private_data.begin(), private_data_.size(), private_data_.begin());
}

RoceConnectionRequest::~RoceConnectionRequest() {
  if (!decided_) manager_.reject(id_, verbs::RejectReason::Consumer, {});
}

Result<base::Own<verbs::Connection>> RoceConnectionRequest::accept(verbs::QueuePair& queue_pair, verbs::Access access,
                                                                   verbs::ConnectionEvents& events,
                                                                   const verbs::ConnectionParameters& parameters) {
  auto connection = TRY(manager_.accept(id_, queue_pair, access, events, parameters));
  decided_ = true;
  return connection;
}

void RoceConnectionRequest::reject(verbs::RejectReason reason, std::span<const std::byte> private_data) {
  decided_ = true;
  manager_.reject(id_, reason, private_data);
}

}  // namespace roce

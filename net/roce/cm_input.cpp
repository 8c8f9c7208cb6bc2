// SPDX-License-Identifier: Apache-2.0
// The connection manager's messages on their way in (IBTA Volume 1, 12.9: the state diagrams). Every message may come
// twice, late, out of order, from a peer that restarted, or from nobody that we know.
#include <algorithm>

#include "net/roce/connection_manager.h"

namespace roce {
namespace {

constexpr std::uint8_t about_request = 0;
constexpr std::uint8_t about_reply = 1;

// IBTA Volume 1, table 111, beside those of verbs::RejectReason.
constexpr std::uint16_t reason_no_resources = 3;
constexpr std::uint16_t reason_invalid_id = 6;
constexpr std::uint16_t reason_invalid_transport = 9;

constexpr std::uint16_t number(verbs::RejectReason reason) { return static_cast<std::uint16_t>(reason); }

}  // namespace

void RoceConnectionManager::receive_management(const Packet& packet, const Arrival& arrival) {
  Counters& counters = core_.counters;
  if (packet.info->service != Service::Datagram) {
    ++counters.rx_wrong_qp_type;
    return;
  }
  if (packet.headers.qkey != cm::qkey) {
    ++counters.ud_bad_qkey;
    return;
  }
  const auto header = cm::parse_header(packet.payload);
  if (!header) {
    ++counters.cm_malformed;
    return;
  }
  if (header->base_version != 1 || header->management_class != cm::management_class || header->class_version != 2 ||
      header->method != 3) {
    ++counters.cm_bad_class;
    return;
  }
  const auto mad = packet.payload.first<cm::mad_bytes>();
  switch (static_cast<cm::Attribute>(header->attribute)) {
    case cm::Attribute::Request:
      return receive(*header, cm::parse<cm::Request>(mad), arrival);
    case cm::Attribute::Reply:
      return receive(*header, cm::parse<cm::Reply>(mad), arrival);
    case cm::Attribute::ReadyToUse:
      return receive(*header, cm::parse<cm::ReadyToUse>(mad), arrival);
    case cm::Attribute::Reject:
      return receive(*header, cm::parse<cm::Reject>(mad), arrival);
    case cm::Attribute::DisconnectRequest:
      return receive(*header, cm::parse<cm::DisconnectRequest>(mad), arrival);
    case cm::Attribute::DisconnectReply:
      return receive(*header, cm::parse<cm::DisconnectReply>(mad), arrival);
    case cm::Attribute::MessageReceiptAcknowledgement:
      return receive(*header, cm::parse<cm::MessageReceiptAcknowledgement>(mad), arrival);
    default:
      ++counters.cm_unknown_attribute;
  }
}

// ---- REQ

void RoceConnectionManager::receive(const cm::MadHeader& header, const cm::Request& request, const Arrival& arrival) {
  Counters& counters = core_.counters;
  ++counters.cm_requests;
  if (repeated_request(header, request, arrival) || stale_request(header, request, arrival)) return;
  if (request.transport != 0 || request.extended_transport != 0) {
    answer_reject(header, request.local_id, about_request, reason_invalid_transport, arrival);
    return;
  }
  Listener* listener = nullptr;
  if ((request.service_id & ~std::uint64_t{0xffff}) == cm::tcp_service_base) {
    listener = find_listener(static_cast<std::uint16_t>(request.service_id));
  }
  if (listener == nullptr) {
    ++counters.cm_no_listener;
    answer_reject(header, request.local_id, about_request, number(verbs::RejectReason::InvalidServiceId), arrival);
    return;
  }
  if (request.path_mtu < 1 || request.path_mtu > 5 ||
      std::uint32_t{128} << request.path_mtu > path_mtu_for(core_.config.link_mtu)) {
    answer_reject(header, request.local_id, about_request, number(verbs::RejectReason::InvalidMtu), arrival);
    return;
  }
  new_request(header, request, arrival, *listener->listener);
}

// The answer to an earlier copy was lost, or is still being thought about.
bool RoceConnectionManager::repeated_request(const cm::MadHeader& header, const cm::Request& request,
                                             const Arrival& arrival) {
  ConnectionEntry* entry = find_remote(request.local_id, arrival.ip.source, false);
  if (entry == nullptr || entry->request_transaction != header.transaction) return false;
  ++core_.counters.cm_duplicates;
  switch (entry->state) {
    case ConnectionState::RequestReceived:
      answer_acknowledgement(header, *entry, arrival);
      break;
    case ConnectionState::ReplySent:
      send_again(*entry);
      break;
    case ConnectionState::TimeWait:
      if (!entry->was_established) send_again(*entry);  // it was rejected
      break;
    default:
      break;
  }
  return true;
}

// A peer never has two connections on one queue pair: it has forgotten ours, which is over, and is told to begin anew.
bool RoceConnectionManager::stale_request(const cm::MadHeader& header, const cm::Request& request,
                                          const Arrival& arrival) {
  for (auto& entry : entries_) {
    const bool current = entry->state == ConnectionState::Established || entry->state == ConnectionState::ReplySent;
    if (!current || entry->peer != arrival.ip.source || entry->remote_qpn != request.local_qpn) continue;
    ++core_.counters.cm_stale;
    answer_reject(header, request.local_id, about_request, number(verbs::RejectReason::StaleConnection), arrival);
    bring_down(*entry);
    send_disconnect(*entry);
    report_disconnected(*entry);
    return true;
  }
  return false;
}

void RoceConnectionManager::new_request(const cm::MadHeader& header, const cm::Request& request, const Arrival& arrival,
                                        verbs::ConnectionListener& listener) {
  ConnectionEntry* entry = allocate();
  if (entry == nullptr || !reach(*entry, arrival.ip.source)) {
    answer_reject(header, request.local_id, about_request, reason_no_resources, arrival);
    return;
  }
  core_.neighbors.hint(entry->neighbor, arrival.mac);
  const std::uint32_t path_mtu = std::uint32_t{128} << request.path_mtu;
  auto handle = base::make<RoceConnectionRequest>(*this, entry->local_id, arrival.ip.source, path_mtu,
                                                  request.private_data.subspan(cm::ip_addresses_bytes));
  if (!handle) {
    free(*entry);
    answer_reject(header, request.local_id, about_request, reason_no_resources, arrival);
    return;
  }
  entry->state = ConnectionState::RequestReceived;
  entry->transaction = entry->request_transaction = header.transaction;
  entry->remote_id = request.local_id;
  entry->remote_qpn = request.local_qpn;
  entry->send_psn = request.starting_psn;
  entry->path_mtu = path_mtu;
  entry->responder_resources = request.responder_resources;
  entry->initiator_depth = request.initiator_depth;
  entry->ack_timeout = request.primary.local_ack_timeout;
  entry->retry_count = request.retry_count;
  entry->rnr_retry_count = request.rnr_retry_count;
  entry->tries_left = request.max_cm_retries;
  entry->interval_ns = std::uint64_t{4096}
                       << std::min(request.local_response_timeout, limits::cm_most_response_timeout);
  listener.requested(std::move(handle));
}

// ---- REP, RTU

void RoceConnectionManager::receive(const cm::MadHeader& header, const cm::Reply& reply, const Arrival& arrival) {
  Counters& counters = core_.counters;
  ConnectionEntry* entry = find_from(reply.remote_id, arrival);
  if (entry == nullptr || !entry->active) {
    ++counters.cm_unknown_connection;
    answer_reject(header, reply.local_id, about_reply, reason_invalid_id, arrival);
    return;
  }
  if (entry->state == ConnectionState::Established && entry->remote_id == reply.local_id) {
    ++counters.cm_duplicates;
    send_again(*entry);  // our RTU was lost
    return;
  }
  if (entry->state != ConnectionState::RequestSent) {
    ++counters.cm_wrong_state;
    return;
  }
  entry->remote_id = reply.local_id;
  entry->remote_qpn = reply.local_qpn;
  entry->send_psn = reply.starting_psn;
  entry->rnr_retry_count = reply.rnr_retry_count;
  // What the peer takes from us, and what it will ask of us.
  entry->initiator_depth = std::min(entry->initiator_depth, reply.responder_resources);
  entry->responder_resources = std::min(entry->responder_resources, reply.initiator_depth);
  if (!bring_up(*entry)) {
    bring_down(*entry);
    send_reject(*entry, number(verbs::RejectReason::Consumer), {});
    time_wait(*entry);
    report_rejected(*entry, verbs::RejectReason::UnsupportedRequest, {});
    return;
  }
  send_ready(*entry);
  establish(*entry, reply.private_data);
}

void RoceConnectionManager::receive(const cm::MadHeader&, const cm::ReadyToUse& message, const Arrival& arrival) {
  ConnectionEntry* entry = find_from(message.remote_id, arrival);
  if (entry == nullptr || entry->remote_id != message.local_id) {
    ++core_.counters.cm_unknown_connection;
  } else if (entry->state == ConnectionState::ReplySent) {
    establish(*entry, message.private_data);
  } else {
    ++core_.counters.cm_duplicates;
  }
}

// ---- REJ, MRA

void RoceConnectionManager::receive(const cm::MadHeader&, const cm::Reject& reject, const Arrival& arrival) {
  Counters& counters = core_.counters;
  ++counters.cm_rejects_received;
  ConnectionEntry* entry = find_from(reject.remote_id, arrival);
  // A peer that gives up on its own request may not know our id: it names its own.
  if (entry == nullptr) entry = find_remote(reject.local_id, arrival.ip.source, false);
  if (entry == nullptr) {
    ++counters.cm_unknown_connection;
    return;
  }
  switch (entry->state) {
    case ConnectionState::RequestReceived:
      free(*entry);
      return;
    case ConnectionState::RequestSent:
    case ConnectionState::ReplySent:
      bring_down(*entry);
      time_wait(*entry);
      report_rejected(*entry, static_cast<verbs::RejectReason>(reject.reason), reject.private_data);
      return;
    case ConnectionState::Established:
      // It never saw that the connection was made.
      bring_down(*entry);
      time_wait(*entry);
      report_disconnected(*entry);
      return;
    default:
      ++counters.cm_wrong_state;
  }
}

void RoceConnectionManager::receive(const cm::MadHeader&, const cm::MessageReceiptAcknowledgement& message,
                                    const Arrival& arrival) {
  ConnectionEntry* entry = find_from(message.remote_id, arrival);
  if (entry == nullptr) {
    ++core_.counters.cm_unknown_connection;
    return;
  }
  if (entry->state != ConnectionState::RequestSent && entry->state != ConnectionState::ReplySent) {
    ++core_.counters.cm_wrong_state;
    return;
  }
  // It has our message and needs time: wait for so long before the next copy.
  const std::uint8_t code = std::min(message.service_timeout, limits::cm_most_service_timeout);
  core_.deadlines.arm(entry->timer, core_.now_ns() + (std::uint64_t{4096} << code));
}

// ---- DREQ, DREP

void RoceConnectionManager::receive(const cm::MadHeader& header, const cm::DisconnectRequest& message,
                                    const Arrival& arrival) {
  ConnectionEntry* entry = find_from(message.remote_id, arrival);
  if (entry == nullptr || entry->remote_id != message.local_id || entry->qpn != message.remote_qpn) {
    // Over for us already: the peer only wants to hear so.
    ++core_.counters.cm_unknown_connection;
    answer_disconnect(header, message, arrival);
    return;
  }
  entry->transaction = header.transaction;
  switch (entry->state) {
    case ConnectionState::ReplySent:
    case ConnectionState::Established:
    case ConnectionState::DisconnectSent:  // both at once
      bring_down(*entry);
      send_disconnect_reply(*entry);
      time_wait(*entry);
      report_disconnected(*entry);
      return;
    case ConnectionState::TimeWait:
      ++core_.counters.cm_duplicates;
      answer_disconnect(header, message, arrival);
      return;
    default:
      ++core_.counters.cm_wrong_state;
  }
}

void RoceConnectionManager::receive(const cm::MadHeader&, const cm::DisconnectReply& message, const Arrival& arrival) {
  ConnectionEntry* entry = find_from(message.remote_id, arrival);
  if (entry == nullptr || entry->remote_id != message.local_id) {
    ++core_.counters.cm_unknown_connection;
    return;
  }
  if (entry->state != ConnectionState::DisconnectSent) {
    ++core_.counters.cm_duplicates;
    return;
  }
  entry->unlink();  // a repeated request that waits to be sent
  time_wait(*entry);
  report_disconnected(*entry);
}

}  // namespace roce

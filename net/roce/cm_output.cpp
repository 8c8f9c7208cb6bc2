// SPDX-License-Identifier: Apache-2.0
// The connection manager's messages on their way out. A connection keeps the last message that it sent, to repeat it;
// it leaves when the peer's Ethernet address is known and the sink has room. What belongs to no connection is sent
// once.
#include <algorithm>

#include "net/roce/connection_manager.h"

namespace roce {
namespace {

constexpr std::uint32_t management_qpn = 1;
constexpr std::uint8_t about_request = 0;
constexpr std::uint8_t about_reply = 1;
constexpr std::uint8_t about_nothing = 2;

std::uint8_t mtu_code(std::uint32_t bytes) {
  std::uint8_t code = 1;
  for (; bytes > 256; bytes /= 2) ++code;
  return code;
}

cm::MadHeader header_with(std::uint64_t transaction) {
  cm::MadHeader header;
  header.transaction = transaction;
  return header;
}

}  // namespace

template <typename T>
void RoceConnectionManager::send(ConnectionEntry& entry, const T& message, Repeat repeat) {
  cm::encode(header_with(entry.transaction), message, entry.mad);
  entry.tries_left = repeat.tries;
  entry.interval_ns = repeat.interval_ns;
  entry.timer.cancel();
  if (repeat.tries > 0) core_.deadlines.arm(entry.timer, core_.now_ns() + repeat.interval_ns);
  send_again(entry);
}

void RoceConnectionManager::send_again(ConnectionEntry& entry) {
  if (core_.neighbors.state(entry.neighbor) == NeighborTable::State::Failed) core_.neighbors.probe(entry.neighbor);
  if (!entry.is_linked()) due_.push_back(entry);
  core_.schedule(*this);
}

void RoceConnectionManager::send_request(ConnectionEntry& entry, std::uint16_t port,
                                         std::span<const std::byte> private_data) {
  auto& bytes = entry.request_private;
  bytes.fill(std::byte{0});
  cm::IpAddresses addresses;
  addresses.source_port = static_cast<std::uint16_t>(0x8000 | (entry.local_id & 0x7fff));
  addresses.ip_version = is_ipv4(entry.peer) ? 4 : 6;
  addresses.source = core_.own_gid(entry.peer);
  addresses.destination = entry.peer;
  cm::encode(addresses, std::span(bytes).first<cm::ip_addresses_bytes>());
  std::copy(private_data.begin(), private_data.end(), bytes.begin() + cm::ip_addresses_bytes);

  cm::Request request;
  request.local_id = entry.local_id;
  request.service_id = cm::tcp_service_base + port;
  request.ca_guid = core_.config.mac.eui64();
  request.local_qpn = entry.qpn;
  request.responder_resources = entry.responder_resources;
  request.initiator_depth = entry.initiator_depth;
  request.remote_response_timeout = limits::cm_response_timeout;
  request.starting_psn = entry.receive_psn;
  request.local_response_timeout = limits::cm_response_timeout;
  request.retry_count = entry.retry_count;
  request.path_mtu = mtu_code(entry.path_mtu);
  request.rnr_retry_count = entry.rnr_retry_count;
  request.max_cm_retries = limits::cm_retries;
  request.primary.local_lid = request.primary.remote_lid = 0xffff;
  request.primary.local_gid = addresses.source;
  request.primary.remote_gid = entry.peer;
  request.primary.hop_limit = 64;
  request.primary.subnet_local = true;
  request.primary.local_ack_timeout = entry.ack_timeout;
  request.private_data = bytes;
  send(entry, request, {limits::cm_retries, std::uint64_t{4096} << limits::cm_response_timeout});
}

void RoceConnectionManager::send_reply(ConnectionEntry& entry, std::span<const std::byte> private_data, Repeat repeat) {
  cm::Reply reply;
  reply.local_id = entry.local_id;
  reply.remote_id = entry.remote_id;
  reply.local_qpn = entry.qpn;
  reply.starting_psn = entry.receive_psn;
  reply.responder_resources = entry.responder_resources;
  reply.initiator_depth = entry.initiator_depth;
  reply.target_ack_delay = 0;
  reply.rnr_retry_count = entry.rnr_retry_count;
  reply.ca_guid = core_.config.mac.eui64();
  reply.private_data = private_data;
  send(entry, reply, repeat);
}

void RoceConnectionManager::send_ready(ConnectionEntry& entry) {
  cm::ReadyToUse ready;
  ready.local_id = entry.local_id;
  ready.remote_id = entry.remote_id;
  send(entry, ready, {});
}

void RoceConnectionManager::send_reject(ConnectionEntry& entry, std::uint16_t reason,
                                        std::span<const std::byte> private_data) {
  ++core_.counters.cm_rejects_sent;
  cm::Reject reject;
  reject.local_id = entry.active ? entry.local_id : 0;
  reject.remote_id = entry.remote_id;
  reject.message = entry.remote_id == 0 ? about_nothing : (entry.active ? about_reply : about_request);
  reject.reason = reason;
  if (reason == static_cast<std::uint16_t>(verbs::RejectReason::Timeout)) {
    // Who gave up is known by its GUID: the peer may not have our id.
    const base::be64 guid = core_.config.mac.eui64();
    std::memcpy(reject.info.data(), &guid, sizeof(guid));
    reject.info_bytes = sizeof(guid);
    reject.local_id = entry.local_id;
  }
  reject.private_data = private_data;
  send(entry, reject, {});
}

void RoceConnectionManager::send_disconnect(ConnectionEntry& entry) {
  bring_down(entry);
  entry.state = ConnectionState::DisconnectSent;
  cm::DisconnectRequest request;
  request.local_id = entry.local_id;
  request.remote_id = entry.remote_id;
  request.remote_qpn = entry.remote_qpn;
  send(entry, request, {limits::cm_retries, std::uint64_t{4096} << limits::cm_response_timeout});
}

void RoceConnectionManager::send_disconnect_reply(ConnectionEntry& entry) {
  cm::DisconnectReply reply;
  reply.local_id = entry.local_id;
  reply.remote_id = entry.remote_id;
  send(entry, reply, {});
}

template <typename T>
void RoceConnectionManager::answer(const cm::MadHeader& header, const T& message, const Arrival& arrival) {
  std::array<std::byte, cm::mad_bytes> mad;
  cm::encode(header_with(header.transaction), message, mad);
  const Path path = {arrival.mac, arrival.ip.destination, arrival.ip.source, source_port(management_qpn)};
  if (transmit(path, mad) == Sent::No) ++core_.counters.cm_no_slot;
}

void RoceConnectionManager::answer_reject(const cm::MadHeader& header, std::uint32_t remote_id, std::uint8_t message,
                                          std::uint16_t reason, const Arrival& arrival) {
  ++core_.counters.cm_rejects_sent;
  cm::Reject reject;
  reject.remote_id = remote_id;
  reject.message = message;
  reject.reason = reason;
  answer(header, reject, arrival);
}

void RoceConnectionManager::answer_acknowledgement(const cm::MadHeader& header, const ConnectionEntry& entry,
                                                   const Arrival& arrival) {
  cm::MessageReceiptAcknowledgement message;
  message.local_id = entry.local_id;
  message.remote_id = entry.remote_id;
  message.message = about_request;
  message.service_timeout = limits::cm_service_timeout;
  answer(header, message, arrival);
}

void RoceConnectionManager::answer_disconnect(const cm::MadHeader& header, const cm::DisconnectRequest& request,
                                              const Arrival& arrival) {
  cm::DisconnectReply reply;
  reply.local_id = request.remote_id;
  reply.remote_id = request.local_id;
  answer(header, reply, arrival);
}

Sent RoceConnectionManager::transmit(const Path& path, std::span<const std::byte, cm::mad_bytes> mad) {
  const std::span<std::byte> room = datagrams_.take();
  if (room.empty()) return Sent::No;
  std::copy(mad.begin(), mad.end(), room.begin());
  TransportHeaders headers;
  headers.opcode = opcode::ud_send_only;
  headers.qpn = management_qpn;
  headers.psn = psn_;
  headers.qkey = cm::qkey;
  headers.source_qpn = management_qpn;
  if (!datagrams_.send_packet(path, headers, mad.size())) return Sent::No;
  psn_ = psn_add(psn_, 1);
  return Sent::Yes;
}

Emitted RoceConnectionManager::emit() {
  for (ConnectionEntry& entry : due_) {
    if (core_.neighbors.state(entry.neighbor) != NeighborTable::State::Resolved) continue;
    const Path path = {core_.neighbors.mac(entry.neighbor), core_.own_gid(entry.peer), entry.peer,
                       source_port(management_qpn)};
    if (transmit(path, entry.mad) == Sent::No) return Emitted::Full;
    entry.unlink();
    return Emitted::Frame;
  }
  return Emitted::Nothing;
}

}  // namespace roce

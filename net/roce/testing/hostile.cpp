// SPDX-License-Identifier: Apache-2.0
#include "net/roce/testing/hostile.h"

#include <cstdlib>

#include "net/fuzz/choices.h"
#include "net/roce/cm_messages.h"

namespace roce::testing {
namespace {

constexpr std::uint32_t mtu = 256;
constexpr std::uint32_t peer_qpn = 0x77;
constexpr std::uint32_t qkey = 0x1234;

using fuzz::Choices;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "hostile frames: %s\n", what);
  std::abort();
}

}  // namespace

struct HostileTarget::Listener final : verbs::ConnectionListener, verbs::ConnectionEvents {
  explicit Listener(Node& node_in) : node(node_in) {}
  void requested(base::Own<verbs::ConnectionRequest> request) override {
    if (++count % 3 == 0) return;  // refused
    if (ends.size() >= 8) {
      connections.erase(connections.begin());
      ends.erase(ends.begin());
    }
    auto end = std::make_unique<Endpoint>(node, 4096);
    auto accepted = request->accept(*end->queue_pair, every_access, *this, {});
    if (!accepted) return;
    ends.push_back(std::move(end));
    connections.push_back(std::move(*accepted));
  }
  void established(verbs::Connection&, std::span<const std::byte>) override {}
  void rejected(verbs::Connection&, verbs::RejectReason, std::span<const std::byte>) override {}
  void disconnected(verbs::Connection&) override {}
  Node& node;
  int count = 0;
  std::vector<std::unique_ptr<Endpoint>> ends;
  std::vector<base::Own<verbs::Connection>> connections;
};

HostileTarget::HostileTarget(std::uint64_t seed)
    : world_(seed),
      node_(world_.add()),
      peer_(world_, node_),
      secret_(4096, std::byte{0x5a}),
      read_only_memory_(4096, std::byte{0xa5}) {
  idle_ = std::make_unique<Endpoint>(node_, 4096);
  datagram_ = std::make_unique<Endpoint>(node_, 4096, verbs::QpCapabilities{}, verbs::QpType::UnreliableDatagram);
  verbs::QpAttributes attributes;
  attributes.qkey = qkey;
  for (const auto state : {verbs::QpState::Init, verbs::QpState::ReadyToReceive, verbs::QpState::ReadyToSend}) {
    attributes.state = state;
    require(datagram_->queue_pair->modify(attributes).has_value(), "no datagram queue pair");
  }
  listener_ = std::make_unique<Listener>(node_);
  require(node_.engine().connections().listen(7000, *listener_).has_value(), "no listener");
  revive();
}

HostileTarget::~HostileTarget() {
  listener_->connections.clear();
  listener_->ends.clear();
}

// A refused request ends a connection: a new one takes its place, so that later frames find one.
void HostileTarget::revive() {
  if (connected_ && connected_->queue_pair->state() == verbs::QpState::ReadyToSend) return;
  read_only_.reset();
  connected_ = std::make_unique<Endpoint>(node_, 4096);
  read_only_ = std::move(
      connected_->domain
          ->register_memory(reinterpret_cast<std::uint64_t>(read_only_memory_.data()), 4096, verbs::Access::RemoteRead)
          .value());
  verbs::QpAttributes attributes;
  attributes.access = every_access;
  attributes.path_mtu = mtu;
  attributes.destination = peer_.gid();
  attributes.destination_qpn = peer_qpn;
  attributes.receive_psn = attributes.send_psn = 1000;
  for (const auto state : {verbs::QpState::Init, verbs::QpState::ReadyToReceive, verbs::QpState::ReadyToSend}) {
    attributes.state = state;
    require(connected_->queue_pair->modify(attributes).has_value(), "no connection");
  }
  world_.run_for(1'000'000);
  for (int i = 0; i < 4; ++i) require(connected_->post_receive(1, 0, 1024).has_value(), "no receive");
  // Something of every kind that waits for an answer.
  using verbs::Opcode;
  for (const auto opcode : {Opcode::Send, Opcode::RdmaRead, Opcode::RdmaWrite, Opcode::FetchAndAdd}) {
    require(connected_->post(++posted_, opcode, 1024, opcode == Opcode::FetchAndAdd ? 8 : 600, 0x1000, 1).has_value(),
            "no work");
  }
}

// Neighbour discovery, ping, and what only looks like them.
void HostileTarget::attack_ipv6(fuzz::Choices& choices) {
  Ip ip;
  ip.version = 6;
  ip.protocol = choices.one_in(8) ? static_cast<std::uint8_t>(choices.take(1)) : wire::protocol_icmpv6;
  ip.hop_limit = choices.one_in(8) ? 64 : discovery::hop_limit;
  const verbs::Gid own = node_.gid(Family::Ipv6);
  const verbs::Gid addresses[] = {own,
                                  discovery::solicited_node(own),
                                  discovery::all_nodes(),
                                  verbs::Gid{},
                                  node_.gid(),
                                  discovery::link_local(peer_.mac()),
                                  peer_.gid(),
                                  discovery::link_local(peer_.mac())};
  ip.source = addresses[choices.take(1) % std::size(addresses)];
  ip.destination = addresses[choices.take(1) % std::size(addresses)];
  const unsigned kind = static_cast<unsigned>(choices.take(1) % 4);
  std::vector<std::byte> message(choices.rest().begin(), choices.rest().end());
  if (message.size() >= 24 && kind < 3) {
    const std::uint8_t types[] = {discovery::solicitation_type, discovery::advertisement_type, 128};
    message[0] = std::byte{types[kind]};
    message[1] = std::byte{0};
    if (kind < 2) std::memcpy(&message[8], addresses[kind == 0 ? 0 : 5].bytes.data(), 16);
    message[2] = message[3] = std::byte{0};
    const base::be16 sum = transport_checksum(ip, message);
    std::memcpy(&message[2], &sum, sizeof(sum));
  }
  peer_.send_frame(peer_.ip_frame(ip, message));
}

void HostileTarget::attack(std::span<const std::byte> bytes) {
  Choices choices(bytes);
  const unsigned style = static_cast<unsigned>(choices.take(1) % 16);
  if (style == 0) {  // not even a frame
    peer_.send_frame(choices.rest());
    return;
  }
  if (style == 15) {
    attack_ipv6(choices);
    return;
  }
  TransportHeaders h;
  constexpr std::uint8_t usual[] = {0x00, 0x01, 0x02, 0x04, 0x06, 0x07, 0x08, 0x0a, 0x0b, 0x0c, 0x0d,
                                    0x0e, 0x0f, 0x10, 0x11, 0x11, 0x12, 0x13, 0x14, 0x64, 0x65};
  h.opcode = choices.one_in(8) ? static_cast<std::uint8_t>(choices.take(1)) : usual[choices.take(1) % std::size(usual)];
  const std::uint32_t qpns[] = {connected_->queue_pair->qp_num(),
                                connected_->queue_pair->qp_num(),
                                1,
                                datagram_->queue_pair->qp_num(),
                                idle_->queue_pair->qp_num(),
                                0,
                                static_cast<std::uint32_t>(choices.take(3))};
  h.qpn = qpns[choices.take(1) % std::size(qpns)];
  h.psn =
      choices.one_in(4) ? static_cast<std::uint32_t>(choices.take(3)) : 996 + static_cast<Psn>(choices.take(1) % 16);
  h.acknowledge = choices.one_in(2);
  h.solicited = choices.one_in(2);
  if (choices.one_in(16)) h.pkey = static_cast<std::uint16_t>(choices.take(2));
  if (choices.one_in(32)) h.version = 3;
  const std::uint64_t addresses[] = {connected_->address(2048), reinterpret_cast<std::uint64_t>(secret_.data()),
                                     reinterpret_cast<std::uint64_t>(read_only_memory_.data()), choices.take(8)};
  h.address = addresses[choices.take(1) % 4];
  const std::uint32_t keys[] = {connected_->region->rkey(), connected_->region->rkey(), read_only_->rkey(),
                                static_cast<std::uint32_t>(choices.take(4))};
  h.rkey = keys[choices.take(1) % 4];
  h.length = static_cast<std::uint32_t>(choices.one_in(4) ? choices.take(4) : choices.take(2) % 600);
  h.qkey = choices.one_in(3) ? static_cast<std::uint32_t>(choices.take(4)) : h.qpn == 1 ? cm::qkey : qkey;
  h.source_qpn = static_cast<std::uint32_t>(choices.take(3));
  h.syndrome = choices.one_in(2) ? syndrome::acknowledge : static_cast<std::uint8_t>(choices.take(1));
  h.msn = static_cast<std::uint32_t>(choices.take(3));
  h.compare = choices.take(2);
  h.swap_or_add = choices.take(8);

  std::vector<std::byte> payload(choices.rest().begin(), choices.rest().end());
  switch (choices.take(1) % 4) {
    case 0:
      payload.resize(mtu);
      break;
    case 1:
      payload.clear();
      break;
    default:
      break;
  }
  if (h.qpn == 1 && style % 4 != 1) {
    payload.resize(cm::mad_bytes);
    const std::byte begin[] = {std::byte{1}, std::byte{7}, std::byte{2}, std::byte{3}};
    std::copy(std::begin(begin), std::end(begin), payload.begin());
    payload[16] = std::byte{0};
    payload[17] = static_cast<std::byte>(0x10 + choices.take(1) % 12);
    if (payload[17] == std::byte{0x10} && style % 2 == 0) {
      auto request = cm::parse<cm::Request>(std::span<const std::byte>(payload).first<cm::mad_bytes>());
      request.service_id = cm::tcp_service_base + 7000;
      request.transport = request.extended_transport = 0;
      request.path_mtu = 3;
      std::array<std::byte, cm::Request::private_bytes> kept{};
      std::copy(request.private_data.begin(), request.private_data.end(), kept.begin());
      request.private_data = kept;
      cm::encode({}, request, std::span<std::byte>(payload).first<cm::mad_bytes>());
    }
  }
  std::vector<std::byte> frame = peer_.frame(h, payload);
  if (style == 1 || style == 2) {  // damaged after the ICRC was computed
    for (unsigned i = 0; i < style; ++i)
      frame[choices.take(2) % frame.size()] ^= static_cast<std::byte>(1 + choices.take(1) % 255);
  } else if (style == 3) {
    frame.resize(choices.take(2) % (frame.size() + 1));
  } else if (style == 4) {  // another protocol
    const std::uint16_t types[] = {wire::ethertype_arp, wire::ethertype_ipv6, wire::ethertype_vlan,
                                   static_cast<std::uint16_t>(choices.take(2))};
    const std::uint16_t type = types[choices.take(1) % 4];
    frame[12] = static_cast<std::byte>(type >> 8);
    frame[13] = static_cast<std::byte>(type);
  } else if (style == 5) {  // with a right IP checksum
    frame[23] = choices.one_in(2) ? std::byte{1} : static_cast<std::byte>(choices.take(1));
    frame[24] = frame[25] = std::byte{0};
    const base::be16 checksum = internet_checksum(std::span(frame).subspan(14, 20));
    std::memcpy(&frame[24], &checksum, 2);
  } else if (style == 6) {
    const verbs::Gid from = peer_.gid();
    peer_.pose_as(verbs::Gid::from_ipv4(from.ipv4() + 1 + static_cast<std::uint32_t>(choices.take(1) % 3)));
    frame = peer_.frame(h, payload);
    peer_.pose_as(from);
  }
  peer_.send_frame(frame);
  while (peer_.take()) {
  }
  datagram_->completed();
  if (choices.one_in(8)) world_.run_for(1000 * (1 + choices.take(2)));
  (void)datagram_->post_receive(1, 0, 4096);
  revive();
}

void HostileTarget::check() {
  for (const std::byte byte : secret_) require(byte == std::byte{0x5a}, "memory that is not registered was changed");
  for (const std::byte byte : read_only_memory_) require(byte == std::byte{0xa5}, "read-only memory was changed");
  // A new connection between engines still works.
  const std::uint64_t before = node_.counters().rx_packets;
  auto end = std::make_unique<Endpoint>(node_, 4096);
  require(end->queue_pair->state() == verbs::QpState::Reset, "a new queue pair is not new");
  const auto ping = peer_.frame({}, {});
  peer_.send_frame(ping);
  require(node_.counters().rx_packets == before + 1, "frames are not received any more");
}

void HostileTarget::collect(std::map<std::string_view, std::uint64_t>& totals) const {
  for_each_counter(node_.counters(), [&](std::string_view name, std::uint64_t value) { totals[name] += value; });
}

}  // namespace roce::testing

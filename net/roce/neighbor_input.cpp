// SPDX-License-Identifier: Apache-2.0
// The neighbour table's messages, both ways: ARP and neighbour discovery. What a peer says about itself is believed, as
// these protocols mean it, for addresses that somebody here asked for; nothing else is remembered.
#include "net/roce/neighbor_table.h"

namespace roce {
namespace {

constexpr std::uint16_t request = 1;
constexpr std::uint16_t reply = 2;

}  // namespace

// The sink may be full: the request is repeated anyway.
void NeighborTable::send_request(const verbs::Gid& address) {
  if (is_ipv4(address)) {
    if (send_arp(request, broadcast_mac, MacAddress{}, address.ipv4())) ++counters_.arp_requests_sent;
  } else if (solicit(address)) {
    ++counters_.neighbor_solicitations_sent;
  }
}

void NeighborTable::learn_all(const verbs::Gid& address, const MacAddress& mac) {
  for (Entry& entry : entries_) {
    if (entry.state != State::Free && entry.address == address) learn(entry, mac);
  }
}

// ---- ARP

void NeighborTable::receive_arp(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  wire::Arp arp;
  if (!reader.take(arp) || arp.hardware_type != 1 || arp.protocol_type != wire::ethertype_ipv4 ||
      arp.hardware_bytes != 6 || arp.protocol_bytes != 4 || arp.sender_mac.is_multicast() ||
      (arp.operation != request && arp.operation != reply)) {
    ++counters_.rx_arp_malformed;
    return;
  }
  const bool announces = arp.sender_ip != 0 && arp.sender_ip != config_.ipv4;
  if (announces) learn_all(verbs::Gid::from_ipv4(arp.sender_ip), arp.sender_mac);
  if (arp.operation == request && arp.target_ip == config_.ipv4) {
    if (send_arp(reply, arp.sender_mac, arp.sender_mac, arp.sender_ip)) ++counters_.arp_requests_answered;
  }
}

// False: the sink is full. Who asked will ask again.
bool NeighborTable::send_arp(std::uint16_t operation, const MacAddress& destination, const MacAddress& target_mac,
                             std::uint32_t target_ip) {
  std::array<std::byte, 60> frame{};  // Ethernet's least length without FCS
  Writer writer(frame);
  encode_link(writer, Link{destination, config_.mac, std::nullopt, wire::ethertype_arp});
  writer.put(wire::Arp{std::uint16_t{1}, wire::ethertype_ipv4, 6, 4, operation, config_.mac, config_.ipv4, target_mac,
                       target_ip});
  return transmitter_.send_frame(frame, {}, nullptr, 0) == Sent::Yes;
}

// ---- Neighbour discovery

bool NeighborTable::is_discovery(const Ip& ip, std::span<const std::byte> message) {
  return ip.protocol == wire::protocol_icmpv6 && !message.empty() &&
         (message[0] == std::byte{discovery::solicitation_type} ||
          message[0] == std::byte{discovery::advertisement_type});
}

void NeighborTable::receive_discovery(const Link& link, const Ip& ip, std::span<const std::byte> bytes) {
  const auto message = discovery::parse(ip, bytes);
  if (!message) {
    ++counters_.rx_icmpv6_malformed;
    return;
  }
  const bool solicitation = message->type == discovery::solicitation_type;
  const verbs::Gid& speaker = solicitation ? ip.source : message->target;
  if (message->mac && speaker != config_.link_local) {
    // A second-hand answer does not replace what is known.
    const bool replaces = solicitation || message->overriding;
    for (Entry& entry : entries_) {
      if (entry.state == State::Free || entry.address != speaker) continue;
      if (entry.state != State::Resolved || replaces || entry.mac == *message->mac) learn(entry, *message->mac);
    }
  }
  if (solicitation && message->target == config_.link_local) answer_solicitation(link, ip);
}

bool NeighborTable::solicit(const verbs::Gid& target) {
  Ip ip;
  ip.source = config_.link_local;
  ip.destination = discovery::solicited_node(target);
  return send_discovery(discovery::group_mac(ip.destination), ip,
                        {.type = discovery::solicitation_type, .target = target, .mac = config_.mac});
}

// Who has no address yet (it wants ours) is answered where all listen.
void NeighborTable::answer_solicitation(const Link& link, const Ip& ip) {
  const bool nobody = ip.source == verbs::Gid{};
  Ip answer;
  answer.source = config_.link_local;
  answer.destination = nobody ? discovery::all_nodes() : ip.source;
  const MacAddress to = nobody ? discovery::group_mac(answer.destination) : link.source;
  const discovery::Message message = {.type = discovery::advertisement_type,
                                      .solicited = !nobody,
                                      .overriding = true,
                                      .target = config_.link_local,
                                      .mac = config_.mac};
  if (send_discovery(to, answer, message)) ++counters_.neighbor_solicitations_answered;
}

// False: the sink is full.
bool NeighborTable::send_discovery(const MacAddress& to, const Ip& addresses, const discovery::Message& message) {
  Ip ip = addresses;
  ip.version = 6;
  ip.protocol = wire::protocol_icmpv6;
  ip.hop_limit = discovery::hop_limit;
  std::array<std::byte, sizeof(wire::Ethernet) + sizeof(wire::Ipv6) + discovery::message_bytes> frame;
  Writer writer(frame);
  encode_link(writer, Link{to, config_.mac, std::nullopt, wire::ethertype_ipv6});
  encode_ip(writer, ip, discovery::message_bytes);
  discovery::encode(writer, ip, message);
  return transmitter_.send_frame(frame, {}, nullptr, 0) == Sent::Yes;
}

}  // namespace roce

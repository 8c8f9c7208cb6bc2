// SPDX-License-Identifier: Apache-2.0
#include "net/roce/testing/raw_peer.h"

namespace roce::testing {

RawPeer::RawPeer(World& world, Node& node, std::uint32_t number, Family family)
    : world_(world),
      node_(node),
      mac_{{0x52, 0x54, 0, 9, 0, static_cast<std::uint8_t>(number)}},
      family_(family),
      gid_(family == Family::Ipv4 ? verbs::Gid::from_ipv4(0x0a090000 + number) : discovery::link_local(mac_)) {
  node_.on_transmit = [this](const std::vector<std::byte>& bytes) { record(bytes); };
}

RawPeer::~RawPeer() { node_.on_transmit = nullptr; }

std::vector<std::byte> RawPeer::frame(TransportHeaders headers, std::span<const std::byte> payload) const {
  const OpcodeInfo* info = find_opcode(headers.opcode);
  headers.pad = static_cast<std::uint8_t>(-payload.size() & 3);
  const std::size_t udp_payload = header_bytes(info) + payload.size() + headers.pad + wire::icrc_bytes;
  std::vector<std::byte> bytes = ip_frame(ip_header(), std::vector<std::byte>(8 + udp_payload));
  Writer writer{std::span<std::byte>(bytes).last(8 + udp_payload)};
  encode_udp(writer, Udp{0xd000, wire::roce_port, false}, udp_payload);
  encode_headers(writer, headers, info);
  writer.put_bytes(payload);
  writer.put_zeros(headers.pad);
  writer.put(base::le32(icrc_of(crc_method(CrcMethod::ByteTable), std::span(bytes).subspan(14))));
  return bytes;
}

Ip RawPeer::ip_header() const {
  Ip ip;
  ip.version = family_ == Family::Ipv4 ? 4 : 6;
  ip.source = gid_;
  ip.destination = node_.gid(family_);
  return ip;
}

std::vector<std::byte> RawPeer::ip_frame(const Ip& ip, std::span<const std::byte> payload) const {
  std::vector<std::byte> bytes(14 + ip.header_bytes() + payload.size());
  Writer writer(bytes);
  encode_link(writer,
              Link{node_.mac(), mac_, std::nullopt, ip.version == 6 ? wire::ethertype_ipv6 : wire::ethertype_ipv4});
  encode_ip(writer, ip, payload.size());
  writer.put_bytes(payload);
  return bytes;
}

void RawPeer::send(const TransportHeaders& headers, std::span<const std::byte> payload) {
  send_frame(frame(headers, payload));
}

void RawPeer::send_frame(std::span<const std::byte> bytes) {
  // In memory of its own size, so that reading beyond it is noticed.
  const std::vector<std::byte> copy(bytes.begin(), bytes.end());
  node_.engine().receive(copy);
}

std::optional<RecordedPacket> RawPeer::take() {
  if (recorded_.empty()) return std::nullopt;
  RecordedPacket packet = std::move(recorded_.front());
  recorded_.pop_front();
  return packet;
}

void RawPeer::record(const std::vector<std::byte>& bytes) {
  Reader reader(bytes);
  const auto link = parse_link(reader);
  wire::Arp arp;
  if (link->ethertype == wire::ethertype_arp) {
    if (reader.take(arp)) answer_arp(arp);
    return;
  }
  const auto ip = parse_ip(reader, link->ethertype);
  if (ip && ip->version == 6 && ip->protocol == wire::protocol_icmpv6) answer_solicitation(*ip, reader.rest());
  if (link->destination != mac_ || !ip || ip->protocol != wire::protocol_udp) return;
  const auto udp = parse_udp(reader);
  if (!udp) return;
  const auto packet = parse_packet(reader.rest());
  if (!packet) return;
  recorded_.push_back({packet->info, packet->headers, {packet->payload.begin(), packet->payload.end()}});
}

void RawPeer::answer_arp(const wire::Arp& arp) {
  if (!answers || family_ != Family::Ipv4 || arp.operation != 1 || arp.target_ip != ipv4()) return;
  std::vector<std::byte> reply(60);
  Writer writer(reply);
  encode_link(writer, Link{arp.sender_mac, mac_, std::nullopt, wire::ethertype_arp});
  writer.put(wire::Arp{std::uint16_t{1}, wire::ethertype_ipv4, 6, 4, std::uint16_t{2}, mac_, ipv4(), arp.sender_mac,
                       arp.sender_ip});
  world_.inject(node_, std::move(reply));
}

void RawPeer::answer_solicitation(const Ip& ip, std::span<const std::byte> message) {
  const auto asked = discovery::parse(ip, message);
  if (!answers || !asked || asked->type != discovery::solicitation_type || asked->target != gid_) return;
  Ip answer = ip_header();
  answer.protocol = wire::protocol_icmpv6;
  answer.hop_limit = discovery::hop_limit;
  std::array<std::byte, discovery::message_bytes> bytes;
  Writer writer(bytes);
  discovery::encode(
      writer, answer,
      {.type = discovery::advertisement_type, .solicited = true, .overriding = true, .target = gid_, .mac = mac_});
  world_.inject(node_, ip_frame(answer, bytes));
}

}  // namespace roce::testing

// SPDX-License-Identifier: Apache-2.0
#include "net/roce/testing/raw_peer.h"

namespace roce::testing {

RawPeer::RawPeer(World& world, Node& node, std::uint32_t number)
    : ipv4_(0x0a090000 + number),
      world_(world),
      node_(node),
      mac_{{0x52, 0x54, 0, 9, 0, static_cast<std::uint8_t>(number)}} {
  node_.on_transmit = [this](const std::vector<std::byte>& bytes) { record(bytes); };
}

RawPeer::~RawPeer() { node_.on_transmit = nullptr; }

std::vector<std::byte> RawPeer::frame(TransportHeaders headers, std::span<const std::byte> payload) const {
  const OpcodeInfo* info = find_opcode(headers.opcode);
  headers.pad = static_cast<std::uint8_t>(-payload.size() & 3);
  const std::size_t udp_payload = header_bytes(info) + payload.size() + headers.pad + wire::icrc_bytes;
  std::vector<std::byte> bytes(14 + 20 + 8 + udp_payload);
  Writer writer(bytes);
  encode_link(writer, Link{node_.mac(), mac_, std::nullopt, wire::ethertype_ipv4});
  Ip ip;
  ip.source = gid();
  ip.destination = verbs::Gid::from_ipv4(node_.ipv4());
  encode_ip(writer, ip, 8 + udp_payload);
  encode_udp(writer, Udp{0xd000, wire::roce_port, false}, udp_payload);
  encode_headers(writer, headers, info);
  writer.put_bytes(payload);
  writer.put_zeros(headers.pad);
  writer.put(base::le32(icrc_of(crc_method(CrcMethod::ByteTable), std::span(bytes).subspan(14))));
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
  if (link->ethertype == wire::ethertype_arp) {
    wire::Arp arp;
    if (!reader.take(arp) || arp.operation != 1 || arp.target_ip != ipv4_) return;
    std::vector<std::byte> reply(60);
    Writer writer(reply);
    encode_link(writer, Link{link->source, mac_, std::nullopt, wire::ethertype_arp});
    writer.put(wire::Arp{std::uint16_t{1}, wire::ethertype_ipv4, 6, 4, std::uint16_t{2}, mac_, ipv4_, arp.sender_mac,
                         arp.sender_ip});
    world_.inject(node_, std::move(reply));
    return;
  }
  if (link->destination != mac_) return;
  const auto ip = parse_ip(reader, link->ethertype);
  const auto udp = parse_udp(reader);
  if (!ip || !udp) return;
  const auto packet = parse_packet(reader.rest());
  if (!packet) return;
  recorded_.push_back({packet->info, packet->headers, {packet->payload.begin(), packet->payload.end()}});
}

}  // namespace roce::testing

// SPDX-License-Identifier: Apache-2.0
#include "net/roce/frame.h"

#include <algorithm>

namespace roce {
namespace {

std::expected<Ip, FrameFault> parse_ipv4(Reader& reader) {
  const auto packet = reader.rest();
  wire::Ipv4 header;
  if (!reader.take(header)) return std::unexpected(FrameFault::Truncated);
  const std::size_t header_bytes = static_cast<std::size_t>(header.version_and_words & 0xf) * 4;
  if (header.version_and_words >> 4 != 4 || header_bytes < sizeof(header) || header.total_bytes < header_bytes) {
    return std::unexpected(FrameFault::BadIpHeader);
  }
  if (packet.size() < header.total_bytes) return std::unexpected(FrameFault::Truncated);
  if (internet_checksum(packet.first(header_bytes)) != 0) return std::unexpected(FrameFault::BadIpChecksum);
  if ((header.flags_and_offset & wire::ipv4_fragment_mask) != 0) return std::unexpected(FrameFault::Fragment);
  Ip ip;
  ip.traffic_class = header.type_of_service;
  ip.hop_limit = header.time_to_live;
  ip.protocol = header.protocol;
  ip.identification = header.identification;
  ip.flags_and_offset = header.flags_and_offset;
  ip.source = verbs::Gid::from_ipv4(header.source);
  ip.destination = verbs::Gid::from_ipv4(header.destination);
  ip.options = packet.subspan(sizeof(header), header_bytes - sizeof(header));
  reader = Reader(packet.first(header.total_bytes).subspan(header_bytes));
  return ip;
}

std::expected<Ip, FrameFault> parse_ipv6(Reader& reader) {
  wire::Ipv6 header;
  if (!reader.take(header)) return std::unexpected(FrameFault::Truncated);
  const std::uint32_t first = header.version_class_flow;
  if (first >> 28 != 6) return std::unexpected(FrameFault::BadIpHeader);
  if (!reader.cut(header.payload_bytes)) return std::unexpected(FrameFault::Truncated);
  Ip ip;
  ip.version = 6;
  ip.traffic_class = static_cast<std::uint8_t>(first >> 20);
  ip.flow_label = first & 0xfffff;
  ip.hop_limit = header.hop_limit;
  ip.protocol = header.next_header;
  ip.source.bytes = header.source;
  ip.destination.bytes = header.destination;
  return ip;
}

std::uint32_t sum_words(std::span<const std::byte> bytes, std::uint32_t sum) {
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    sum += std::to_integer<std::uint32_t>(bytes[i]) << 8 | std::to_integer<std::uint32_t>(bytes[i + 1]);
  }
  if (bytes.size() % 2 != 0) sum += std::to_integer<std::uint32_t>(bytes.back()) << 8;
  return sum;
}

}  // namespace

std::uint16_t internet_checksum(std::span<const std::byte> bytes, std::uint32_t sum) {
  sum = sum_words(bytes, sum);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::expected<Link, FrameFault> parse_link(Reader& reader) {
  wire::Ethernet header;
  if (!reader.take(header)) return std::unexpected(FrameFault::Truncated);
  Link link{header.destination, header.source, std::nullopt, header.ethertype};
  if (link.ethertype == wire::ethertype_vlan) {
    struct {
      wire::be16 tag;
      wire::be16 ethertype;
    } vlan;
    if (!reader.take(vlan)) return std::unexpected(FrameFault::Truncated);
    link.vlan = vlan.tag;
    link.ethertype = vlan.ethertype;
  }
  return link;
}

std::expected<Ip, FrameFault> parse_ip(Reader& reader, std::uint16_t ethertype) {
  if (ethertype == wire::ethertype_ipv4) return parse_ipv4(reader);
  if (ethertype == wire::ethertype_ipv6) return parse_ipv6(reader);
  return std::unexpected(FrameFault::BadIpHeader);
}

std::expected<Udp, FrameFault> parse_udp(Reader& reader) {
  const std::size_t available = reader.left();
  wire::Udp header;
  if (!reader.take(header)) return std::unexpected(FrameFault::Truncated);
  if (header.bytes < sizeof(header) || header.bytes > available) return std::unexpected(FrameFault::BadUdpLength);
  if (!reader.cut(header.bytes - sizeof(header))) return std::unexpected(FrameFault::BadUdpLength);
  return Udp{header.source_port, header.destination_port, header.checksum != 0};
}

void encode_link(Writer& writer, const Link& link) {
  writer.put(wire::Ethernet{link.destination, link.source, link.vlan ? wire::ethertype_vlan : link.ethertype});
  if (link.vlan) {
    writer.put(wire::be16(*link.vlan));
    writer.put(wire::be16(link.ethertype));
  }
}

void encode_ip(Writer& writer, const Ip& ip, std::size_t payload_bytes) {
  if (ip.version == 6) {
    wire::Ipv6 header;
    header.version_class_flow =
        std::uint32_t{6} << 28 | static_cast<std::uint32_t>(ip.traffic_class) << 20 | ip.flow_label;
    header.payload_bytes = static_cast<std::uint16_t>(payload_bytes);
    header.next_header = ip.protocol;
    header.hop_limit = ip.hop_limit;
    header.source = ip.source.bytes;
    header.destination = ip.destination.bytes;
    writer.put(header);
    return;
  }
  const std::size_t header_bytes = ip.header_bytes();
  wire::Ipv4 header;
  header.version_and_words = static_cast<std::uint8_t>(0x40 | header_bytes / 4);
  header.type_of_service = ip.traffic_class;
  header.total_bytes = static_cast<std::uint16_t>(header_bytes + payload_bytes);
  header.identification = ip.identification;
  header.flags_and_offset = ip.flags_and_offset;
  header.time_to_live = ip.hop_limit;
  header.protocol = ip.protocol;
  header.checksum = std::uint16_t{0};
  header.source = ip.source.ipv4();
  header.destination = ip.destination.ipv4();
  const std::uint32_t options = sum_words(ip.options, 0);
  header.checksum = internet_checksum(std::as_bytes(std::span(&header, 1)), options);
  writer.put(header);
  writer.put_bytes(ip.options);
}

void encode_udp(Writer& writer, const Udp& udp, std::size_t payload_bytes) {
  writer.put(wire::Udp{udp.source_port, udp.destination_port,
                       static_cast<std::uint16_t>(sizeof(wire::Udp) + payload_bytes), std::uint16_t{0}});
}

// The pseudo-header: addresses, protocol, length. A mapped IPv4 address has its own four bytes last.
std::uint16_t transport_checksum(const Ip& ip, std::span<const std::byte> message) {
  const std::size_t skipped = ip.version == 6 ? 0 : 12;
  std::uint32_t sum = sum_words(std::as_bytes(std::span(ip.source.bytes)).subspan(skipped), 0);
  sum = sum_words(std::as_bytes(std::span(ip.destination.bytes)).subspan(skipped), sum);
  sum += ip.protocol + static_cast<std::uint32_t>(message.size());
  return internet_checksum(message, sum);
}

void checksum_udp(const Ip& ip, std::span<std::byte> datagram) {
  LEGO_ASSERT(datagram.size() >= sizeof(wire::Udp));
  const std::uint16_t checksum = transport_checksum(ip, datagram);
  const wire::be16 sent = checksum == 0 ? std::uint16_t{0xffff} : checksum;  // 0 would mean "none"
  std::memcpy(datagram.data() + 6, &sent, sizeof(sent));
}

}  // namespace roce

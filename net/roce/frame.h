// SPDX-License-Identifier: Apache-2.0
// Ethernet, IP and UDP headers as fields: parsed from received bytes, encoded from the fields alone. Lengths and the IP
// checksum are no fields: they follow from the rest. IPv4 addresses appear as the GIDs that RoCEv2 maps them to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>

#include "net/roce/byte_cursor.h"
#include "net/roce/wire.h"
#include "net/verbs/verbs.h"

namespace roce {

enum class FrameFault : std::uint8_t {
  Truncated,    // shorter than its headers or its lengths say
  BadIpHeader,  // version or header length
  BadIpChecksum,
  Fragment,
  BadUdpLength,
};

// Whether a GID stands for an IPv4 address.
constexpr bool is_ipv4(const verbs::Gid& gid) { return gid == verbs::Gid::from_ipv4(gid.ipv4()); }

// Whether a GID can be one station's: neither nobody's (all zero, ::ffff:0.0.0.0) nor a group's.
constexpr bool is_unicast(const verbs::Gid& gid) {
  if (is_ipv4(gid)) return gid.ipv4() != 0 && gid.ipv4() >> 28 < 0xe;
  return gid != verbs::Gid{} && gid.bytes[0] != 0xff;
}

struct Link {
  MacAddress destination;
  MacAddress source;
  std::optional<std::uint16_t> vlan;  // the tag's 16 bits
  std::uint16_t ethertype = wire::ethertype_ipv4;
};

struct Ip {
  std::uint8_t version = 4;
  std::uint8_t traffic_class = 0;  // IPv4: type of service
  std::uint8_t hop_limit = 64;     // IPv4: time to live
  std::uint8_t protocol = wire::protocol_udp;
  std::uint16_t identification = 0;                           // IPv4
  std::uint16_t flags_and_offset = wire::ipv4_dont_fragment;  // IPv4
  std::uint32_t flow_label = 0;                               // IPv6
  verbs::Gid source;
  verbs::Gid destination;
  std::span<const std::byte> options;  // IPv4; a multiple of four bytes

  std::size_t header_bytes() const { return version == 6 ? sizeof(wire::Ipv6) : sizeof(wire::Ipv4) + options.size(); }
};

struct Udp {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = wire::roce_port;
  bool checksummed = false;
};

// Each takes its header from the reader. parse_ip also cuts what lies beyond the IP packet (Ethernet's padding), and
// refuses fragments; parse_udp cuts what lies beyond the datagram.
std::expected<Link, FrameFault> parse_link(Reader& reader);
std::expected<Ip, FrameFault> parse_ip(Reader& reader, std::uint16_t ethertype);
std::expected<Udp, FrameFault> parse_udp(Reader& reader);

void encode_link(Writer& writer, const Link& link);
void encode_ip(Writer& writer, const Ip& ip, std::size_t payload_bytes);
// A checksummed datagram gets its checksum from checksum_udp, once its payload is there.
void encode_udp(Writer& writer, const Udp& udp, std::size_t payload_bytes);
// The checksum of a transport message with a zero in its place, sent between ip's addresses (RFC 8200, 8.1); 0 over one
// that contains it.
std::uint16_t transport_checksum(const Ip& ip, std::span<const std::byte> message);
// Fills in the checksum of `datagram` (UDP header and payload) sent between ip's addresses.
void checksum_udp(const Ip& ip, std::span<std::byte> datagram);

// The Internet checksum (RFC 1071) over bytes that contain a zero in its place; 0 over bytes that contain it.
std::uint16_t internet_checksum(std::span<const std::byte> bytes, std::uint32_t sum = 0);

}  // namespace roce

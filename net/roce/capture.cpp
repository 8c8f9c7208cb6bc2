// SPDX-License-Identifier: Apache-2.0
#include "net/roce/capture.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <ostream>

#include "net/roce/capture_text.h"
#include "net/roce/cm_messages.h"
#include "net/roce/frame.h"
#include "net/roce/packet.h"

namespace roce {
namespace {

// A RoCEv2 packet, taken apart.
struct Decoded {
  Link link;
  Ip ip;
  Udp udp;
  Packet packet;
  std::vector<std::byte> payload;  // a known management datagram is encoded from its own fields
  std::vector<std::byte> trailer;  // what Ethernet carried beyond the IP packet
};

FrameReport fault(std::string text) { return {Verdict::Fault, false, std::move(text)}; }
FrameReport other(std::string text) { return {Verdict::Other, false, std::move(text)}; }

template <typename T>
std::vector<std::byte> encode_again(const cm::MadHeader& header, std::span<const std::byte, cm::mad_bytes> mad) {
  std::vector<std::byte> encoded(cm::mad_bytes);
  cm::encode(header, cm::parse<T>(mad), std::span<std::byte, cm::mad_bytes>(encoded));
  return encoded;
}

// The payload of a packet from its fields, as far as this library knows them.
std::vector<std::byte> payload_from_fields(const Packet& packet) {
  const std::vector<std::byte> raw(packet.payload.begin(), packet.payload.end());
  if (!is_management(packet)) return raw;
  const auto mad = packet.payload.first<cm::mad_bytes>();
  const cm::MadHeader header = *cm::parse_header(mad);
  if (header.management_class != cm::management_class) return raw;
  switch (static_cast<cm::Attribute>(header.attribute)) {
    case cm::Attribute::Request:
      return encode_again<cm::Request>(header, mad);
    case cm::Attribute::MessageReceiptAcknowledgement:
      return encode_again<cm::MessageReceiptAcknowledgement>(header, mad);
    case cm::Attribute::Reject:
      return encode_again<cm::Reject>(header, mad);
    case cm::Attribute::Reply:
      return encode_again<cm::Reply>(header, mad);
    case cm::Attribute::ReadyToUse:
      return encode_again<cm::ReadyToUse>(header, mad);
    case cm::Attribute::DisconnectRequest:
      return encode_again<cm::DisconnectRequest>(header, mad);
    case cm::Attribute::DisconnectReply:
      return encode_again<cm::DisconnectReply>(header, mad);
    default:
      return raw;
  }
}

std::vector<std::byte> encode(const Decoded& decoded) {
  TransportHeaders headers = decoded.packet.headers;
  const OpcodeInfo* info = decoded.packet.info;
  headers.pad = static_cast<std::uint8_t>(-decoded.payload.size() & 3);
  const std::size_t udp_payload = header_bytes(info) + decoded.payload.size() + headers.pad + wire::icrc_bytes;
  const std::size_t ip_payload = sizeof(wire::Udp) + udp_payload;
  std::vector<std::byte> frame(18 + decoded.ip.header_bytes() + ip_payload + decoded.trailer.size());
  Writer writer(frame);
  encode_link(writer, decoded.link);
  const std::size_t ip_at = writer.written();
  encode_ip(writer, decoded.ip, ip_payload);
  const std::size_t udp_at = writer.written();
  encode_udp(writer, decoded.udp, udp_payload);
  encode_headers(writer, headers, info);
  writer.put_bytes(decoded.payload);
  writer.put_zeros(headers.pad);
  const auto ip_packet = std::span(frame).subspan(ip_at, decoded.ip.header_bytes() + ip_payload);
  writer.put(base::le32(icrc_of(crc_method(CrcMethod::SliceBy8), ip_packet)));
  if (decoded.udp.checksummed) checksum_udp(decoded.ip, std::span(frame).subspan(udp_at, ip_payload));
  writer.put_bytes(decoded.trailer);
  frame.resize(writer.written());
  return frame;
}

std::string first_difference(std::span<const std::byte> sent, std::span<const std::byte> encoded) {
  const auto [a, b] = std::mismatch(sent.begin(), sent.end(), encoded.begin(), encoded.end());
  (void)b;
  return print("RE-ENCODES DIFFERENTLY at byte %zu of %zu", static_cast<std::size_t>(a - sent.begin()), sent.size());
}

FrameReport examine_roce(std::span<const std::byte> bytes, Decoded& decoded, std::span<const std::byte> ip_packet,
                         std::span<const std::byte> udp_payload) {
  const auto packet = parse_packet(udp_payload);
  const std::string where = addresses(decoded.ip);
  if (!packet) return fault(where + " RoCEv2, malformed: too short for its headers");
  decoded.packet = *packet;
  if (!decoded.ip.options.empty()) return fault(where + " RoCEv2 in an IPv4 packet with options");
  decoded.payload = payload_from_fields(*packet);
  const std::uint32_t computed = icrc_of(crc_method(CrcMethod::SliceBy8), ip_packet);
  FrameReport report;
  report.icrc_good = computed == packet->icrc;
  report.text = where + " " + describe(*packet);
  report.text += report.icrc_good ? " ok" : print(" ICRC BAD, computed %08x", base::byte_swap(computed));
  const std::vector<std::byte> encoded = encode(decoded);
  const bool same = std::ranges::equal(encoded, bytes);
  if (!same) report.text += " " + first_difference(bytes, encoded);
  report.verdict = report.icrc_good && same ? Verdict::Sound : Verdict::Fault;
  return report;
}

// Whether the headers that are there belong to a packet for RoCE's port.
bool maybe_roce(const Ip& ip, std::span<const std::byte> ip_payload) {
  if (ip.protocol != wire::protocol_udp) return false;
  if (ip_payload.size() < 4) return true;
  return ip_payload[2] == std::byte{wire::roce_port >> 8} && ip_payload[3] == std::byte{wire::roce_port & 0xff};
}

// The IP header of a frame that was cut off, or whose IP header has a fault: enough to name it.
FrameReport examine_damaged(const Link& link, std::span<const std::byte> ip_packet, const char* what) {
  Ip ip;
  std::size_t header = 0;
  if (link.ethertype == wire::ethertype_ipv6 && ip_packet.size() >= sizeof(wire::Ipv6)) {
    header = sizeof(wire::Ipv6);
    ip.version = 6;
    ip.protocol = std::to_integer<std::uint8_t>(ip_packet[6]);
    std::memcpy(ip.source.bytes.data(), ip_packet.data() + 8, 16);
    std::memcpy(ip.destination.bytes.data(), ip_packet.data() + 24, 16);
  } else if (link.ethertype == wire::ethertype_ipv4 && ip_packet.size() >= sizeof(wire::Ipv4)) {
    wire::Ipv4 ipv4;
    std::memcpy(&ipv4, ip_packet.data(), sizeof(ipv4));
    header = std::min<std::size_t>(ip_packet.size(), (ipv4.version_and_words & 0xfu) * 4);
    ip.protocol = ipv4.protocol;
    ip.source = verbs::Gid::from_ipv4(ipv4.source);
    ip.destination = verbs::Gid::from_ipv4(ipv4.destination);
  } else {
    return fault(print("%s: %s", what, ethertype_name(link.ethertype).c_str()));
  }
  const bool roce = maybe_roce(ip, ip_packet.subspan(header));
  std::string text = addresses(ip) + " " + (roce ? "RoCEv2" : protocol_name(ip.protocol)) + ", " + what;
  return roce ? fault(std::move(text)) : other(std::move(text));
}

const char* fault_name(FrameFault fault) {
  constexpr std::array<const char*, 5> names = {"cut off", "bad IP header", "bad IP checksum", "IP fragment",
                                                "bad UDP length"};
  return names[static_cast<std::size_t>(fault)];
}

}  // namespace

FrameReport examine(const CapturedFrame& frame) {
  const bool cut = frame.bytes.size() < frame.original_bytes;
  Reader reader(frame.bytes);
  Decoded decoded;
  const auto link = parse_link(reader);
  if (!link) return fault("too short for Ethernet");
  decoded.link = *link;
  if (link->ethertype == wire::ethertype_arp) return other(describe_arp(reader.rest()));
  if (link->ethertype != wire::ethertype_ipv4 && link->ethertype != wire::ethertype_ipv6) {
    return other(ethertype_name(link->ethertype));
  }
  const auto network = reader.rest();
  if (cut) return examine_damaged(*link, network, "cut off by the capture");
  const auto ip = parse_ip(reader, link->ethertype);
  if (!ip) return examine_damaged(*link, network, fault_name(ip.error()));
  decoded.ip = *ip;
  if (ip->protocol != wire::protocol_udp) return other(addresses(*ip) + " " + protocol_name(ip->protocol));
  const auto ip_packet = network.first(ip->header_bytes() + reader.left());
  const auto trailer = network.subspan(ip_packet.size());
  decoded.trailer.assign(trailer.begin(), trailer.end());
  const auto datagram = reader.rest();
  const auto udp = parse_udp(reader);
  if (!udp) return examine_damaged(*link, network, fault_name(udp.error()));
  decoded.udp = *udp;
  if (udp->destination_port != wire::roce_port) {
    return other(addresses(*ip) + print(" UDP port %u to %u", udp->source_port, udp->destination_port));
  }
  if (reader.left() + sizeof(wire::Udp) != datagram.size()) return fault(addresses(*ip) + " RoCEv2, bytes after UDP");
  return examine_roce(frame.bytes, decoded, ip_packet, reader.rest());
}

int print_capture(const std::string& path, std::ostream& out) {
  PcapReader reader(path);
  std::size_t frames = 0;
  std::size_t sound = 0;
  std::size_t others = 0;
  std::size_t faults = 0;
  while (const auto frame = reader.next()) {
    const FrameReport report = examine(*frame);
    ++frames;
    sound += report.verdict == Verdict::Sound ? 1 : 0;
    others += report.verdict == Verdict::Other ? 1 : 0;
    faults += report.verdict == Verdict::Fault ? 1 : 0;
    const char* mark = report.verdict == Verdict::Sound   ? ""
                       : report.verdict == Verdict::Other ? "not RoCEv2: "
                                                          : "BAD: ";
    out << print("%6zu ", frame->number) << mark << report.text << '\n';
  }
  if (!reader.error().empty()) {
    out << path << " " << reader.error() << '\n';
    ++faults;
  }
  out << print("%zu frames: %zu RoCEv2 packets verify and encode bit for bit, %zu are not RoCEv2, %zu faults", frames,
               sound, others, faults)
      << '\n';
  return faults == 0 ? 0 : 1;
}

}  // namespace roce

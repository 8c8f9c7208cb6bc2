// SPDX-License-Identifier: Apache-2.0
#include "net/roce/frame_input.h"

namespace roce {
namespace {

constexpr std::uint32_t management_qpn = 1;

}  // namespace

void FrameInput::count(FrameFault fault) {
  Counters& counters = core_.counters;
  switch (fault) {
    case FrameFault::Truncated:
      ++counters.rx_truncated;
      return;
    case FrameFault::BadIpHeader:
      ++counters.rx_ip_bad_header;
      return;
    case FrameFault::BadIpChecksum:
      ++counters.rx_ip_bad_checksum;
      return;
    case FrameFault::Fragment:
      ++counters.rx_ip_fragment;
      return;
    case FrameFault::BadUdpLength:
      ++counters.rx_udp_bad_length;
      return;
  }
}

void FrameInput::receive(std::span<const std::byte> frame) {
  Counters& counters = core_.counters;
  ++counters.rx_packets;
  counters.rx_bytes += frame.size();
  Reader reader(frame);
  const auto link = parse_link(reader);
  if (!link) {
    count(link.error());
  } else if (link->destination != core_.config.mac && !link->destination.is_multicast()) {
    ++counters.rx_other_destination;
  } else if (link->vlan) {
    ++counters.rx_other_ethertype;
  } else if (link->ethertype == wire::ethertype_arp) {
    core_.neighbors.receive_arp(reader.rest());
  } else if (link->ethertype == wire::ethertype_ipv4 || link->ethertype == wire::ethertype_ipv6) {
    receive_ip(*link, reader);
  } else {
    ++counters.rx_other_ethertype;
  }
}

void FrameInput::receive_ip(const Link& link, Reader reader) {
  Counters& counters = core_.counters;
  const auto begin = reader.rest();
  const auto ip = parse_ip(reader, link.ethertype);
  if (!ip) {
    count(ip.error());
    return;
  }
  // IPv6 packets of mapped IPv4 addresses would pass for IPv4's: nobody sends such (RFC 4942, 2.2).
  if (ip->version == 6 && (is_ipv4(ip->source) || is_ipv4(ip->destination))) {
    ++counters.rx_ip_bad_source;
    return;
  }
  if (ip->version == 6 && NeighborTable::is_discovery(*ip, reader.rest())) {
    core_.neighbors.receive_discovery(link, *ip, reader.rest());  // to groups, too
    return;
  }
  if (!core_.is_own(ip->destination)) {
    ++counters.rx_ip_other_destination;
    return;
  }
  if (!is_unicast(ip->source)) {
    ++counters.rx_ip_bad_source;
    return;
  }
  if (ip->protocol == (ip->version == 6 ? wire::protocol_icmpv6 : wire::protocol_icmp)) {
    echo_.receive(link, *ip, reader.rest());
    return;
  }
  if (ip->protocol != wire::protocol_udp) {
    ++counters.rx_ip_other_protocol;
    return;
  }
  if (!ip->options.empty()) {
    ++counters.rx_ip_bad_header;  // RoCEv2 has none
    return;
  }
  const auto ip_packet = begin.first(ip->header_bytes() + reader.left());
  const auto udp = parse_udp(reader);
  if (!udp) {
    count(udp.error());
    return;
  }
  if (udp->destination_port != wire::roce_port) {
    ++counters.rx_udp_other_port;
    return;
  }
  const Arrival arrival{*ip, ip_packet.first(ip->header_bytes()), link.source};
  receive_roce(arrival, ip_packet, reader.rest());
}

void FrameInput::receive_roce(const Arrival& arrival, std::span<const std::byte> ip_packet,
                              std::span<const std::byte> payload) {
  Counters& counters = core_.counters;
  const Result<Packet> packet = parse_packet(payload);
  // What lies between the end of the datagram and that of the IP packet is not covered: there must be nothing.
  if (!packet || payload.size() + sizeof(wire::Udp) + arrival.ip_header.size() != ip_packet.size()) {
    ++counters.rx_bad_transport_header;
  } else if (icrc_of(crc_, ip_packet) != packet->icrc) {
    ++counters.rx_bad_icrc;
  } else if (packet->headers.version != 0) {
    ++counters.rx_bad_version;
  } else if (packet->info == nullptr) {
    ++counters.rx_unknown_opcode;
  } else if (packet->info->kind == Kind::CongestionNotification) {
    ++counters.rx_congestion_notifications;
  } else if ((packet->headers.pkey & 0x7fff) != (wire::default_pkey & 0x7fff)) {
    ++counters.rx_bad_pkey;
  } else if (packet->payload.size() > 4096) {
    ++counters.rx_bad_length;
  } else {
    if (!packet->headers.migrated) ++counters.rx_not_migrated;
    deliver(*packet, arrival);
  }
}

void FrameInput::deliver(const Packet& packet, const Arrival& arrival) {
  if (packet.headers.qpn == management_qpn) {
    management_.receive_management(packet, arrival);
  } else if (RoceQueuePair* queue_pair = core_.find_queue_pair(packet.headers.qpn)) {
    queue_pair->receive(packet, arrival);
    if (queue_pair->take_first_packet()) management_.first_packet(packet.headers.qpn);
  } else {
    ++core_.counters.rx_unknown_qp;
  }
}

}  // namespace roce

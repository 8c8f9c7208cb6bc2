// SPDX-License-Identifier: Apache-2.0
#include "net/roce/frame_input.h"

#include <cstring>

namespace roce {
namespace {

constexpr std::uint32_t management_qpn = 1;
constexpr std::byte icmp_echo_request{8};
constexpr std::byte icmp_echo_reply{0};
constexpr std::size_t icmp_header_bytes = 8;

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
    core_.neighbors.receive(reader.rest());
  } else if (link->ethertype == wire::ethertype_ipv4) {
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
  if (ip->destination != core_.gid) {
    ++counters.rx_ip_other_destination;
    return;
  }
  if (ip->protocol == wire::protocol_icmp) {
    receive_echo(link, *ip, reader.rest());
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
  const auto ip_packet = begin.first(sizeof(wire::Ipv4) + reader.left());
  const auto udp = parse_udp(reader);
  if (!udp) {
    count(udp.error());
    return;
  }
  if (udp->destination_port != wire::roce_port) {
    ++counters.rx_udp_other_port;
    return;
  }
  const Arrival arrival{*ip, ip_packet.first(sizeof(wire::Ipv4)), link.source};
  receive_roce(arrival, ip_packet, reader.rest());
}

// Answers ping, for whoever looks for a fault.
void FrameInput::receive_echo(const Link& link, const Ip& ip, std::span<const std::byte> message) {
  Counters& counters = core_.counters;
  if (message.size() < icmp_header_bytes || message.size() > limits::datagram_bytes ||
      message[0] != icmp_echo_request || internet_checksum(message) != 0) {
    ++counters.icmp_ignored;
    return;
  }
  const std::span<std::byte> reply = datagrams_.take();
  if (reply.empty()) {
    ++counters.tx_no_slot;
    return;
  }
  std::memcpy(reply.data(), message.data(), message.size());
  reply[0] = icmp_echo_reply;
  reply[2] = reply[3] = std::byte{0};
  const base::be16 checksum = internet_checksum(reply.first(message.size()));
  std::memcpy(&reply[2], &checksum, sizeof(checksum));

  std::array<std::byte, Transmitter::head_bytes> head;
  Writer writer(head);
  encode_link(writer, Link{link.source, core_.config.mac, std::nullopt, wire::ethertype_ipv4});
  Ip answer;
  answer.protocol = wire::protocol_icmp;
  answer.identification = core_.transmitter.next_identification();
  answer.source = core_.gid;
  answer.destination = ip.source;
  encode_ip(writer, answer, message.size());
  if (datagrams_.send_frame(writer.bytes(), message.size())) ++counters.icmp_echo_answered;
}

void FrameInput::receive_roce(const Arrival& arrival, std::span<const std::byte> ip_packet,
                              std::span<const std::byte> payload) {
  Counters& counters = core_.counters;
  const Result<Packet> packet = parse_packet(payload);
  // What lies between the end of the datagram and that of the IP packet is not covered: there must be nothing.
  if (!packet || payload.size() + sizeof(wire::Udp) + sizeof(wire::Ipv4) != ip_packet.size()) {
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
  } else if (packet->headers.qpn == management_qpn) {
    management_.receive_management(*packet, arrival);
  } else if (RoceQueuePair* queue_pair = core_.find_queue_pair(packet->headers.qpn)) {
    queue_pair->receive(*packet, arrival);
    if (queue_pair->take_first_packet()) management_.first_packet(packet->headers.qpn);
  } else {
    ++counters.rx_unknown_qp;
  }
}

}  // namespace roce

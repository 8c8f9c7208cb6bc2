// SPDX-License-Identifier: Apache-2.0
#include "net/roce/capture_text.h"

#include <array>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>

#include "net/roce/cm_messages.h"

namespace roce {
namespace {

std::string gid_text(const verbs::Gid& gid) {
  const auto& b = gid.bytes;
  if (is_ipv4(gid)) return print("%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
  std::string text;
  for (std::size_t i = 0; i < b.size(); i += 2) text += print(i == 0 ? "%x" : ":%x", b[i] << 8 | b[i + 1]);
  return text;
}

std::string syndrome_text(std::uint8_t code) {
  switch (code & syndrome::kind_mask) {
    case syndrome::kind_acknowledge:
      return code == syndrome::acknowledge ? "ACK" : print("ACK credits=%u", code & 0x1f);
    case syndrome::kind_rnr:
      return print("RNR-NAK timer=%u", code & 0x1f);
    case syndrome::kind_nak: {
      constexpr std::array<const char*, 5> names = {"sequence", "invalid-request", "remote-access",
                                                    "remote-operational", "invalid-RD-request"};
      const unsigned number = code & 0x1f;
      return print("NAK %s", number < names.size() ? names[number] : "reserved");
    }
    default:
      return print("reserved syndrome 0x%02x", code);
  }
}

std::string request_text(std::span<const std::byte, cm::mad_bytes> mad) {
  const auto request = cm::parse<cm::Request>(mad);
  std::string text = print(" id=0x%08x service=0x%" PRIx64 " qpn=0x%06x psn=0x%06x resources=%u depth=%u mtu=%u",
                           request.local_id, request.service_id, request.local_qpn, request.starting_psn,
                           request.responder_resources, request.initiator_depth, 128u << request.path_mtu);
  if (const auto ip = cm::parse_ip_addresses(request.private_data)) {
    text += " from " + gid_text(ip->source) + print(" port %u", ip->source_port);
  }
  return text;
}

std::string management_text(std::span<const std::byte, cm::mad_bytes> mad) {
  const cm::MadHeader header = *cm::parse_header(mad);
  if (header.management_class != cm::management_class) return print(" MAD class 0x%02x", header.management_class);
  const auto attribute = static_cast<cm::Attribute>(header.attribute);
  std::string text = " CM " + std::string(cm::name(attribute));
  switch (attribute) {
    case cm::Attribute::Request:
      return text + request_text(mad);
    case cm::Attribute::Reply: {
      const auto reply = cm::parse<cm::Reply>(mad);
      return text + print(" id=0x%08x to=0x%08x qpn=0x%06x psn=0x%06x resources=%u depth=%u", reply.local_id,
                          reply.remote_id, reply.local_qpn, reply.starting_psn, reply.responder_resources,
                          reply.initiator_depth);
    }
    case cm::Attribute::Reject: {
      const auto reject = cm::parse<cm::Reject>(mad);
      return text + print(" id=0x%08x to=0x%08x reason=%u", reject.local_id, reject.remote_id, reject.reason);
    }
    case cm::Attribute::MessageReceiptAcknowledgement: {
      const auto message = cm::parse<cm::MessageReceiptAcknowledgement>(mad);
      return text +
             print(" id=0x%08x to=0x%08x timeout=%u", message.local_id, message.remote_id, message.service_timeout);
    }
    case cm::Attribute::ReadyToUse:
    case cm::Attribute::DisconnectReply: {
      const auto message = cm::parse<cm::ReadyToUse>(mad);
      return text + print(" id=0x%08x to=0x%08x", message.local_id, message.remote_id);
    }
    case cm::Attribute::DisconnectRequest: {
      const auto message = cm::parse<cm::DisconnectRequest>(mad);
      return text + print(" id=0x%08x to=0x%08x qpn=0x%06x", message.local_id, message.remote_id, message.remote_qpn);
    }
    default:
      return text + print(" (attribute 0x%04x)", header.attribute);
  }
}

std::string extensions_text(const TransportHeaders& h, const OpcodeInfo& info) {
  std::string text;
  if (info.has(header::rdeth)) text += print(" RDETH eec=0x%06x", h.rdeth);
  if (info.has(header::xrceth)) text += print(" XRCETH srq=0x%06x", h.xrceth);
  if (info.has(header::deth)) text += print(" DETH qkey=0x%08x from=0x%06x", h.qkey, h.source_qpn);
  if (info.has(header::feth)) text += print(" FETH 0x%08x", h.feth);
  if (info.has(header::reth)) {
    text += print(" RETH va=0x%" PRIx64 " rkey=0x%08x length=%u", h.address, h.rkey, h.length);
  }
  if (info.has(header::atomic)) {
    text += print(" AtomicETH va=0x%" PRIx64 " rkey=0x%08x swap/add=0x%" PRIx64 " compare=0x%" PRIx64, h.address,
                  h.rkey, h.swap_or_add, h.compare);
  }
  if (info.has(header::aeth)) text += print(" AETH %s msn=%u", syndrome_text(h.syndrome).c_str(), h.msn);
  if (info.has(header::atomic_ack)) text += print(" AtomicAckETH original=0x%" PRIx64, h.original);
  if (info.has(header::immediate)) text += print(" immediate=0x%08x", h.immediate);
  if (info.has(header::invalidate)) text += print(" invalidate=0x%08x", h.invalidate);
  return text;
}

}  // namespace

std::string print(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::array<char, 512> buffer;
  const int length = std::vsnprintf(buffer.data(), buffer.size(), format, arguments);
  va_end(arguments);
  const auto used = length < 0 ? std::size_t{0} : std::min(static_cast<std::size_t>(length), buffer.size() - 1);
  return {buffer.data(), used};
}

std::string addresses(const Ip& ip) { return gid_text(ip.source) + " > " + gid_text(ip.destination); }

std::string ethertype_name(std::uint16_t ethertype) {
  switch (ethertype) {
    case wire::ethertype_ipv4:
      return "IPv4";
    case wire::ethertype_ipv6:
      return "IPv6";
    case 0x88cc:
      return "LLDP";
    case 0x8915:
      return "RoCEv1";
    default:
      return ethertype < 0x600 ? print("IEEE 802.3 frame of %u bytes", ethertype)
                               : print("ethertype 0x%04x", ethertype);
  }
}

std::string protocol_name(std::uint8_t protocol) {
  switch (protocol) {
    case 0:
      return "IPv6 hop-by-hop options";
    case wire::protocol_icmp:
      return "ICMP";
    case 2:
      return "IGMP";
    case 6:
      return "TCP";
    case wire::protocol_udp:
      return "UDP";
    case 58:
      return "ICMPv6";
    default:
      return print("IP protocol %u", protocol);
  }
}

std::string describe_arp(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  wire::Arp arp;
  if (!reader.take(arp)) return "ARP, too short";
  const std::string sender = gid_text(verbs::Gid::from_ipv4(arp.sender_ip));
  const std::string target = gid_text(verbs::Gid::from_ipv4(arp.target_ip));
  return "ARP " + (arp.operation == 1 ? sender + " asks for " + target : sender + " answers " + target);
}

bool is_management(const Packet& packet) {
  return packet.info != nullptr && packet.info->service == Service::Datagram && packet.headers.qpn == 1 &&
         packet.payload.size() == cm::mad_bytes;
}

std::string describe(const Packet& packet) {
  const TransportHeaders& h = packet.headers;
  std::string text;
  if (packet.info == nullptr) {
    text = print("unknown opcode 0x%02x", h.opcode);
  } else if (packet.info->service == Service::None) {
    text = std::string(name(packet.info->kind));
  } else {
    text = std::string(name(packet.info->service)) + " " + std::string(name(packet.info->kind)) + " " +
           std::string(name(packet.info->part));
  }
  text += print(" qpn=0x%06x psn=0x%06x", h.qpn, h.psn);
  if (h.acknowledge) text += " A";
  if (h.solicited) text += " S";
  if (h.migrated) text += " M";
  if (h.ecn != 0) text += print(" ecn=0x%02x", h.ecn);
  if (h.pkey != wire::default_pkey) text += print(" pkey=0x%04x", h.pkey);
  if (packet.info != nullptr) text += extensions_text(h, *packet.info);
  text += print(" payload=%zu", packet.payload.size());
  if (is_management(packet)) text += management_text(packet.payload.first<cm::mad_bytes>());
  return text + print(" icrc=%08x", base::byte_swap(packet.icrc));
}

}  // namespace roce

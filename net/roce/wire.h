// SPDX-License-Identifier: Apache-2.0
// The headers of RoCEv2 as they lie on the wire, in the order in which they follow one another: Ethernet, ARP, IPv4,
// IPv6, UDP (RFCs 826, 791, 8200, 768), then the base and extension transport headers (IBTA Volume 1, chapter 9 and
// 5.2; annex A17). Network byte order, no padding.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/base/endian.h"
#include "net/roce/mac_address.h"

namespace roce::wire {

using base::be16;
using base::be32;
using base::be64;

inline constexpr std::uint16_t ethertype_ipv4 = 0x0800;
inline constexpr std::uint16_t ethertype_arp = 0x0806;
inline constexpr std::uint16_t ethertype_vlan = 0x8100;
inline constexpr std::uint16_t ethertype_ipv6 = 0x86dd;
inline constexpr std::uint8_t protocol_icmp = 1;
inline constexpr std::uint8_t protocol_udp = 17;
inline constexpr std::uint8_t protocol_icmpv6 = 58;
inline constexpr std::uint16_t roce_port = 4791;
inline constexpr std::uint16_t default_pkey = 0xffff;
inline constexpr std::size_t icrc_bytes = 4;
inline constexpr std::size_t grh_bytes = 40;

struct Ethernet {
  MacAddress destination;
  MacAddress source;
  be16 ethertype;
};
static_assert(sizeof(Ethernet) == 14);

struct Arp {
  be16 hardware_type;  // 1: Ethernet
  be16 protocol_type;  // ethertype_ipv4
  std::uint8_t hardware_bytes;
  std::uint8_t protocol_bytes;
  be16 operation;  // 1: request, 2: reply
  MacAddress sender_mac;
  be32 sender_ip;
  MacAddress target_mac;
  be32 target_ip;
};
static_assert(sizeof(Arp) == 28);

struct Ipv4 {
  std::uint8_t version_and_words;
  std::uint8_t type_of_service;
  be16 total_bytes;
  be16 identification;
  be16 flags_and_offset;
  std::uint8_t time_to_live;
  std::uint8_t protocol;
  be16 checksum;
  be32 source;
  be32 destination;
};
static_assert(sizeof(Ipv4) == 20);
inline constexpr std::uint16_t ipv4_dont_fragment = 0x4000;
inline constexpr std::uint16_t ipv4_fragment_mask = 0x3fff;  // more fragments, or an offset

struct Ipv6 {
  be32 version_class_flow;
  be16 payload_bytes;
  std::uint8_t next_header;
  std::uint8_t hop_limit;
  std::array<std::uint8_t, 16> source;
  std::array<std::uint8_t, 16> destination;
};
static_assert(sizeof(Ipv6) == 40);

struct Udp {
  be16 source_port;
  be16 destination_port;
  be16 bytes;
  be16 checksum;
};
static_assert(sizeof(Udp) == 8);

struct Bth {
  std::uint8_t opcode;
  std::uint8_t flags;  // solicited event, migration state, pad count (2 bits), header version (4 bits)
  be16 pkey;
  be32 ecn_and_qpn;  // FECN, BECN, 6 reserved bits, destination QPN (24 bits)
  be32 ack_and_psn;  // acknowledge request, 7 reserved bits, PSN (24 bits)
};
static_assert(sizeof(Bth) == 12);

struct Reth {
  be64 address;
  be32 rkey;
  be32 length;
};
static_assert(sizeof(Reth) == 16);

struct Aeth {
  be32 syndrome_and_msn;  // 8 and 24 bits
};
static_assert(sizeof(Aeth) == 4);

struct AtomicEth {
  be64 address;
  be32 rkey;
  be64 swap_or_add;
  be64 compare;
};
static_assert(sizeof(AtomicEth) == 28);

struct AtomicAckEth {
  be64 original;
};
static_assert(sizeof(AtomicAckEth) == 8);

struct Deth {
  be32 qkey;
  be32 source_qpn;  // 8 reserved and 24 bits
};
static_assert(sizeof(Deth) == 8);

}  // namespace roce::wire

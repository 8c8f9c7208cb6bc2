// SPDX-License-Identifier: Apache-2.0
// A RoCEv2 packet between the UDP header and the end of the ICRC, as fields: parsed from received bytes, encoded from
// the fields alone. Reserved bits are fields too, so that any packet of a known opcode encodes to what it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/error.h"
#include "net/roce/byte_cursor.h"
#include "net/roce/icrc.h"
#include "net/roce/opcode.h"
#include "net/roce/psn.h"
#include "net/roce/wire.h"

namespace roce {

using base::Error;
using base::Result;

// The BTH and every extension header; which of these are there, the opcode says.
struct TransportHeaders {
  std::uint8_t opcode = 0;
  bool solicited = false;
  bool migrated = true;  // MigReq: HCAs send 1, Linux's soft-RoCE 0; only counted on receive
  std::uint8_t pad = 0;  // bytes of padding after the payload, 0 to 3
  std::uint8_t version = 0;
  std::uint16_t pkey = wire::default_pkey;
  std::uint8_t ecn = 0;  // FECN, BECN and reserved bits: not covered by the ICRC
  std::uint32_t qpn = 0;
  bool acknowledge = false;
  std::uint8_t reserved7 = 0;
  Psn psn = 0;

  std::uint32_t rdeth = 0;
  std::uint32_t xrceth = 0;
  std::uint32_t feth = 0;
  std::uint32_t qkey = 0;
  std::uint32_t source_qpn = 0;  // with DETH's reserved byte on top
  std::uint64_t address = 0;     // RETH, AtomicETH
  std::uint32_t rkey = 0;
  std::uint32_t length = 0;
  std::uint64_t swap_or_add = 0;
  std::uint64_t compare = 0;
  std::uint8_t syndrome = 0;
  std::uint32_t msn = 0;
  std::uint64_t original = 0;
  std::uint32_t immediate = 0;
  std::uint32_t invalidate = 0;
};

// AETH syndromes (IBTA Volume 1, table 45).
namespace syndrome {
inline constexpr std::uint8_t acknowledge = 0x1f;  // credits: invalid, we do end-to-end flow control by RNR NAK
inline constexpr std::uint8_t rnr = 0x20;          // and the timer code in the low five bits
inline constexpr std::uint8_t nak_sequence = 0x60;
inline constexpr std::uint8_t nak_invalid_request = 0x61;
inline constexpr std::uint8_t nak_remote_access = 0x62;
inline constexpr std::uint8_t nak_remote_operational = 0x63;
inline constexpr std::uint8_t kind_mask = 0xe0;
inline constexpr std::uint8_t kind_acknowledge = 0x00;
inline constexpr std::uint8_t kind_rnr = 0x20;
inline constexpr std::uint8_t kind_nak = 0x60;
}  // namespace syndrome

// BTH and the longest row of extension headers that we send (AtomicETH), with room for those of other services.
inline constexpr std::size_t max_transport_header_bytes = 12 + 48;

struct Packet {
  const OpcodeInfo* info = nullptr;  // nullptr: an unknown opcode; everything after the BTH is payload
  TransportHeaders headers;
  std::span<const std::byte> payload;  // without padding
  std::span<const std::byte> padding;
  std::uint32_t icrc = 0;  // as it was sent
};

// `bytes` is the payload of the UDP datagram. Malformed: too short for its headers, padding and ICRC.
Result<Packet> parse_packet(std::span<const std::byte> bytes);

// Writes BTH and extension headers; returns how many bytes that are for this opcode.
void encode_headers(Writer& writer, const TransportHeaders& headers, const OpcodeInfo* info);
std::size_t header_bytes(const OpcodeInfo* info);

// The ICRC that belongs at the end of the IP packet that these bytes are (its last four, where it goes, do not matter).
std::uint32_t icrc_of(const CrcMethodInfo& crc, std::span<const std::byte> ip_packet);

}  // namespace roce

// SPDX-License-Identifier: Apache-2.0
// The transport opcodes of the BTH (IBTA Volume 1, table 38) and what each one means: which extension headers follow,
// in wire order, and which part of which message the packet is. The engine acts on RC and UD; the others are known so
// that captures of them decode.
#pragma once

#include <cstdint>
#include <string_view>

namespace roce {

enum class Service : std::uint8_t {
  ReliableConnection,
  UnreliableConnection,
  ReliableDatagram,
  Datagram,
  Extended,
  None
};

enum class Kind : std::uint8_t {
  Send,
  Write,
  ReadRequest,
  ReadResponse,
  Acknowledge,
  AtomicAcknowledge,
  CompareAndSwap,
  FetchAndAdd,
  Resync,
  Flush,
  AtomicWrite,
  CongestionNotification,
};

enum class Part : std::uint8_t { First, Middle, Last, Only };

namespace header {
// In the order in which they follow the BTH.
inline constexpr std::uint16_t rdeth = 1 << 0;   // 4 bytes: reliable datagrams
inline constexpr std::uint16_t xrceth = 1 << 1;  // 4 bytes: extended reliable connections
inline constexpr std::uint16_t deth = 1 << 2;
inline constexpr std::uint16_t feth = 1 << 3;  // 4 bytes: flush
inline constexpr std::uint16_t reth = 1 << 4;
inline constexpr std::uint16_t atomic = 1 << 5;
inline constexpr std::uint16_t aeth = 1 << 6;
inline constexpr std::uint16_t atomic_ack = 1 << 7;
inline constexpr std::uint16_t immediate = 1 << 8;   // 4 bytes
inline constexpr std::uint16_t invalidate = 1 << 9;  // 4 bytes: an rkey
}  // namespace header

struct OpcodeInfo {
  std::uint8_t opcode;
  Service service;
  Kind kind;
  Part part;
  std::uint16_t headers;
  bool has(std::uint16_t mask) const { return (headers & mask) != 0; }
  bool starts() const { return part == Part::First || part == Part::Only; }
  bool ends() const { return part == Part::Last || part == Part::Only; }
};

// nullptr: not a known opcode.
const OpcodeInfo* find_opcode(std::uint8_t opcode);

std::string_view name(Service service);
std::string_view name(Kind kind);
std::string_view name(Part part);

namespace opcode {
inline constexpr std::uint8_t rc_send_first = 0x00;
inline constexpr std::uint8_t rc_send_middle = 0x01;
inline constexpr std::uint8_t rc_send_last = 0x02;
inline constexpr std::uint8_t rc_send_last_immediate = 0x03;
inline constexpr std::uint8_t rc_send_only = 0x04;
inline constexpr std::uint8_t rc_send_only_immediate = 0x05;
inline constexpr std::uint8_t rc_write_first = 0x06;
inline constexpr std::uint8_t rc_write_middle = 0x07;
inline constexpr std::uint8_t rc_write_last = 0x08;
inline constexpr std::uint8_t rc_write_last_immediate = 0x09;
inline constexpr std::uint8_t rc_write_only = 0x0a;
inline constexpr std::uint8_t rc_write_only_immediate = 0x0b;
inline constexpr std::uint8_t rc_read_request = 0x0c;
inline constexpr std::uint8_t rc_read_response_first = 0x0d;
inline constexpr std::uint8_t rc_read_response_middle = 0x0e;
inline constexpr std::uint8_t rc_read_response_last = 0x0f;
inline constexpr std::uint8_t rc_read_response_only = 0x10;
inline constexpr std::uint8_t rc_acknowledge = 0x11;
inline constexpr std::uint8_t rc_atomic_acknowledge = 0x12;
inline constexpr std::uint8_t rc_compare_swap = 0x13;
inline constexpr std::uint8_t rc_fetch_add = 0x14;
inline constexpr std::uint8_t ud_send_only = 0x64;
inline constexpr std::uint8_t ud_send_only_immediate = 0x65;
}  // namespace opcode

}  // namespace roce

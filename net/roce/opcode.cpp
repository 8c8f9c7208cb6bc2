// SPDX-License-Identifier: Apache-2.0
#include "net/roce/opcode.h"

#include <array>
#include <cstddef>

namespace roce {
namespace {

struct Operation {
  std::uint8_t number;  // the low five bits of the opcode
  Kind kind;
  Part part;
  std::uint16_t headers;
};

using namespace header;

constexpr Operation operations[] = {
    {0x00, Kind::Send, Part::First, 0},
    {0x01, Kind::Send, Part::Middle, 0},
    {0x02, Kind::Send, Part::Last, 0},
    {0x03, Kind::Send, Part::Last, immediate},
    {0x04, Kind::Send, Part::Only, 0},
    {0x05, Kind::Send, Part::Only, immediate},
    {0x06, Kind::Write, Part::First, reth},
    {0x07, Kind::Write, Part::Middle, 0},
    {0x08, Kind::Write, Part::Last, 0},
    {0x09, Kind::Write, Part::Last, immediate},
    {0x0a, Kind::Write, Part::Only, reth},
    {0x0b, Kind::Write, Part::Only, reth | immediate},
    {0x0c, Kind::ReadRequest, Part::Only, reth},
    {0x0d, Kind::ReadResponse, Part::First, aeth},
    {0x0e, Kind::ReadResponse, Part::Middle, 0},
    {0x0f, Kind::ReadResponse, Part::Last, aeth},
    {0x10, Kind::ReadResponse, Part::Only, aeth},
    {0x11, Kind::Acknowledge, Part::Only, aeth},
    {0x12, Kind::AtomicAcknowledge, Part::Only, aeth | atomic_ack},
    {0x13, Kind::CompareAndSwap, Part::Only, atomic},
    {0x14, Kind::FetchAndAdd, Part::Only, atomic},
    {0x15, Kind::Resync, Part::Only, 0},
    {0x16, Kind::Send, Part::Last, invalidate},
    {0x17, Kind::Send, Part::Only, invalidate},
    {0x1c, Kind::Flush, Part::Only, feth | reth},
    {0x1d, Kind::AtomicWrite, Part::Only, reth},
};

// Which header every packet of a service has, and which of its packets: requests only (XRC answers without XRCETH; RD
// answers without DETH).
constexpr bool is_response(Kind kind) {
  return kind == Kind::ReadResponse || kind == Kind::Acknowledge || kind == Kind::AtomicAcknowledge;
}

constexpr bool exists(Service service, const Operation& operation) {
  switch (service) {
    case Service::ReliableConnection:
      return operation.kind != Kind::Resync;
    case Service::UnreliableConnection:
      return operation.number <= 0x0b;
    case Service::ReliableDatagram:
      return operation.number <= 0x15;
    case Service::Datagram:
      return operation.number == 0x04 || operation.number == 0x05;
    case Service::Extended:
      return operation.number <= 0x17 && operation.kind != Kind::Resync;
    case Service::None:
      return false;
  }
  return false;
}

constexpr std::uint16_t service_headers(Service service, Kind kind) {
  switch (service) {
    case Service::ReliableDatagram:
      return is_response(kind) ? rdeth : rdeth | deth;
    case Service::Datagram:
      return deth;
    case Service::Extended:
      return is_response(kind) ? 0 : xrceth;
    default:
      return 0;
  }
}

struct Table {
  std::array<OpcodeInfo, 256> info{};
  std::array<bool, 256> known{};
};

constexpr Table make_table() {
  Table table;
  const struct {
    Service service;
    std::uint8_t base;
  } services[] = {{Service::ReliableConnection, 0x00},
                  {Service::UnreliableConnection, 0x20},
                  {Service::ReliableDatagram, 0x40},
                  {Service::Datagram, 0x60},
                  {Service::Extended, 0xa0}};
  for (const auto& [service, base] : services) {
    for (const Operation& operation : operations) {
      if (!exists(service, operation)) continue;
      const auto number = static_cast<std::uint8_t>(base + operation.number);
      const auto headers = static_cast<std::uint16_t>(operation.headers | service_headers(service, operation.kind));
      table.info[number] = {number, service, operation.kind, operation.part, headers};
      table.known[number] = true;
    }
  }
  table.info[0x81] = {0x81, Service::None, Kind::CongestionNotification, Part::Only, 0};
  table.known[0x81] = true;
  return table;
}
constinit const Table table = make_table();

}  // namespace

const OpcodeInfo* find_opcode(std::uint8_t opcode) { return table.known[opcode] ? &table.info[opcode] : nullptr; }

std::string_view name(Service service) {
  constexpr std::array<std::string_view, 6> names = {"RC", "UC", "RD", "UD", "XRC", "-"};
  return names[static_cast<std::size_t>(service)];
}

std::string_view name(Kind kind) {
  constexpr std::array<std::string_view, 12> names = {
      "SEND",   "RDMA WRITE", "RDMA READ request", "RDMA READ response",
      "ACK",    "ATOMIC ACK", "COMPARE&SWAP",      "FETCH&ADD",
      "RESYNC", "FLUSH",      "ATOMIC WRITE",      "CNP",
  };
  return names[static_cast<std::size_t>(kind)];
}

std::string_view name(Part part) {
  constexpr std::array<std::string_view, 4> names = {"First", "Middle", "Last", "Only"};
  return names[static_cast<std::size_t>(part)];
}

}  // namespace roce

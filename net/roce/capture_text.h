// SPDX-License-Identifier: Apache-2.0
// Packets in words, for capture listings. Hosted.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "net/roce/frame.h"
#include "net/roce/packet.h"

namespace roce {

[[gnu::format(printf, 1, 2)]] std::string print(const char* format, ...);

// "10.9.0.1 > 10.9.0.2"
std::string addresses(const Ip& ip);
std::string ethertype_name(std::uint16_t ethertype);
std::string protocol_name(std::uint8_t protocol);
std::string describe_arp(std::span<const std::byte> arp);

// A datagram of 256 bytes for QP 1.
bool is_management(const Packet& packet);
// "RC SEND Only qpn=0x000016 psn=0x58b392 A ... payload=64 icrc=3ce80525"
std::string describe(const Packet& packet);

}  // namespace roce

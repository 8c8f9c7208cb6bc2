// SPDX-License-Identifier: Apache-2.0
// Neighbour discovery's two messages (RFC 4861) as fields: a solicitation asks who has an IPv6 address, an
// advertisement answers. What is not sound by section 7.1 (hop limit, checksum, code, lengths, addresses) is not
// parsed. Also the addresses that go with them: the link-local address of a station, solicited-node groups and their
// Ethernet addresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "net/roce/frame.h"

namespace roce::discovery {

inline constexpr std::uint8_t solicitation_type = 135;
inline constexpr std::uint8_t advertisement_type = 136;
inline constexpr std::uint8_t hop_limit = 255;  // of every message: it has passed no router

// fe80:: and the station's EUI-64: GID index 0 of Linux's soft-RoCE.
verbs::Gid link_local(const MacAddress& mac);
// The group that the owner of a unicast address listens to for solicitations.
verbs::Gid solicited_node(const verbs::Gid& address);
verbs::Gid all_nodes();
// Where frames to an IPv6 group go.
MacAddress group_mac(const verbs::Gid& group);

struct Message {
  std::uint8_t type = solicitation_type;
  bool solicited = false;   // advertisement: it answers a solicitation
  bool overriding = false;  // advertisement: replaces what was known
  verbs::Gid target;
  std::optional<MacAddress> mac;  // of the sender (solicitation) or of the target (advertisement)
};

// `message` is the ICMPv6 message that came in `ip`. Nothing: not sound, or not one of the two.
std::optional<Message> parse(const Ip& ip, std::span<const std::byte> message);

// The message between ip's addresses, with its checksum.
inline constexpr std::size_t message_bytes = 32;
void encode(Writer& writer, const Ip& ip, const Message& message);

}  // namespace roce::discovery

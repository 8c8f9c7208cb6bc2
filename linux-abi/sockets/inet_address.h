// SPDX-License-Identifier: Apache-2.0
// Addresses of AF_INET and AF_INET6 sockets, kept in IPv6's form (IPv4 as ::ffff:a.b.c.d), and what a socket that is
// bound to one can be reached by. Pure.
#pragma once

#include <array>
#include <cstdint>

#include "linux-abi/abi/errno.h"
#include "linux-abi/sockets/socket_address.h"

namespace linux_abi {

struct InetAddress {
  std::array<std::uint8_t, 16> bytes{};
  std::uint16_t port = 0;

  static InetAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, std::uint16_t port);
  static InetAddress any(int family);
  static InetAddress loopback(bool is_v4);
  // Of a socket of that family: EINVAL (too short), EAFNOSUPPORT.
  static Answer<InetAddress> parse(const SocketAddress& address, int family);
  // As a socket of that family shows it.
  SocketAddress address(int family) const;

  bool is_v4() const;
  bool is_any() const;  // 0.0.0.0 or ::
  bool is_loopback() const;
  bool same_host(const InetAddress& other) const { return bytes == other.bytes; }
  bool operator==(const InetAddress&) const = default;
};

// What a bound socket takes: its address, in which families.
struct InetBinding {
  InetAddress own;
  int family = 0;
  bool only_v6 = false;

  bool takes_v4() const { return own.is_v4() || (family == address_family::internet6 && own.is_any() && !only_v6); }
  bool takes_v6() const { return !own.is_v4(); }
  // Whether there is an address that both would take; ports aside.
  bool overlaps(const InetBinding& other) const;
  // How well it fits what is sent to `host`: 0 not at all, more is better.
  unsigned fits(const InetAddress& host) const;
};

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Addresses of internet sockets: see inet_address.h.
#include "linux-abi/sockets/inet_address.h"

#include <algorithm>
#include <cstring>

namespace linux_abi {
namespace {

// struct sockaddr_in and sockaddr_in6; ports and addresses are big-endian.
struct Address4 {
  std::uint16_t family;
  std::array<std::uint8_t, 2> port;
  std::array<std::uint8_t, 4> host;
  std::array<std::uint8_t, 8> zero;
};
struct Address6 {
  std::uint16_t family;
  std::array<std::uint8_t, 2> port;
  std::uint32_t flow;
  std::array<std::uint8_t, 16> host;
  std::uint32_t scope;
};
static_assert(sizeof(Address4) == 16 && sizeof(Address6) == 28);
constexpr std::size_t shortest6 = 24;  // without the scope

constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::uint16_t from_big(std::array<std::uint8_t, 2> port) { return static_cast<std::uint16_t>(port[0] << 8 | port[1]); }
std::array<std::uint8_t, 2> to_big(std::uint16_t port) {
  return {static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port)};
}

}  // namespace

InetAddress InetAddress::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, std::uint16_t port) {
  InetAddress address{.port = port};
  std::copy(mapped.begin(), mapped.end(), address.bytes.begin());
  address.bytes[12] = a, address.bytes[13] = b, address.bytes[14] = c, address.bytes[15] = d;
  return address;
}

InetAddress InetAddress::any(int family) {
  return family == address_family::internet ? v4(0, 0, 0, 0, 0) : InetAddress{};
}

InetAddress InetAddress::loopback(bool is_v4) {
  if (is_v4) return v4(127, 0, 0, 1, 0);
  InetAddress address;
  address.bytes[15] = 1;
  return address;
}

Answer<InetAddress> InetAddress::parse(const SocketAddress& address, int family) {
  if (family == address_family::internet) {
    Address4 given;
    if (address.size < sizeof given) return error(EINVAL);
    std::memcpy(&given, address.bytes.data(), sizeof given);
    if (given.family != address_family::internet) return error(EAFNOSUPPORT);
    return v4(given.host[0], given.host[1], given.host[2], given.host[3], from_big(given.port));
  }
  Address6 given{};
  if (address.size < shortest6) return error(EINVAL);
  std::memcpy(&given, address.bytes.data(), std::min(sizeof given, address.size));
  if (given.family != address_family::internet6) return error(EAFNOSUPPORT);
  return InetAddress{.bytes = given.host, .port = from_big(given.port)};
}

SocketAddress InetAddress::address(int family) const {
  if (family == address_family::internet) {
    Address4 shown{.family = address_family::internet, .port = to_big(port), .host = {}, .zero = {}};
    std::copy(bytes.begin() + mapped.size(), bytes.end(), shown.host.begin());
    return SocketAddress::of(shown);
  }
  return SocketAddress::of(
      Address6{.family = address_family::internet6, .port = to_big(port), .flow = 0, .host = bytes, .scope = 0});
}

bool InetAddress::is_v4() const { return std::equal(mapped.begin(), mapped.end(), bytes.begin()); }

bool InetAddress::is_any() const {
  const auto start = bytes.begin() + (is_v4() ? mapped.size() : 0);
  return std::all_of(start, bytes.end(), [](std::uint8_t each) { return each == 0; });
}

bool InetAddress::is_loopback() const {
  constexpr std::uint8_t loopback_net = 127;
  return is_v4() ? bytes[mapped.size()] == loopback_net : same_host(loopback(false));
}

bool InetBinding::overlaps(const InetBinding& other) const {
  if (!(takes_v4() && other.takes_v4()) && !(takes_v6() && other.takes_v6())) return false;
  return own.is_any() || other.own.is_any() || own.same_host(other.own);
}

unsigned InetBinding::fits(const InetAddress& host) const {
  if (host.is_v4() ? !takes_v4() : !takes_v6()) return 0;
  if (own.same_host(host)) return 3;
  if (!own.is_any()) return 0;
  return own.is_v4() == host.is_v4() ? 2 : 1;
}

}  // namespace linux_abi

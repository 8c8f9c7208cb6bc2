// SPDX-License-Identifier: Apache-2.0
// lo, the one network interface of a vNode, as ioctls and netlink tell of it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace linux_abi::loopback {

inline constexpr std::string_view name = "lo";
inline constexpr std::int32_t index = 1, mtu = 65536, queue_packets = 1000;
inline constexpr std::uint16_t hardware = 772;  // ARPHRD_LOOPBACK
// IFF_UP, IFF_LOOPBACK, IFF_RUNNING; netlink's have more bits than SIOCGIFFLAGS's: IFF_LOWER_UP.
inline constexpr std::uint32_t short_flags = 0x49, flags = short_flags | 0x10000;

inline constexpr std::array<std::uint8_t, 4> address4{127, 0, 0, 1}, mask4{255, 0, 0, 0}, network4{127, 0, 0, 0},
    last4{127, 255, 255, 255};
inline constexpr std::uint8_t prefix4 = 8, prefix6 = 128;
inline constexpr std::array<std::uint8_t, 16> address6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

// Whether a program asks for flags, of those in the mask, that lo does not have; nobody can change any. Linux ignores
// wishes about the others: IFF_UP, DEBUG, NOTRAILERS, NOARP, PROMISC, ALLMULTI, MULTICAST, PORTSEL, AUTOMEDIA, DYNAMIC.
constexpr bool changes(std::uint32_t asked, std::uint32_t mask) {
  constexpr std::uint32_t changeable = 0xf3a5;
  return ((asked ^ flags) & mask & changeable) != 0;
}

}  // namespace linux_abi::loopback

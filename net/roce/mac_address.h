// SPDX-License-Identifier: Apache-2.0
// An Ethernet address as it lies on the wire.
#pragma once

#include <array>
#include <cstdint>

namespace roce {

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};
  constexpr bool is_multicast() const { return (bytes[0] & 1) != 0; }
  // As GUIDs and IPv6 interface identifiers have it (RFC 4291, appendix A).
  constexpr std::uint64_t eui64() const {
    std::uint64_t id = bytes[0] ^ 2u;
    for (const unsigned byte : {unsigned{bytes[1]}, unsigned{bytes[2]}, 0xffu, 0xfeu, unsigned{bytes[3]},
                                unsigned{bytes[4]}, unsigned{bytes[5]}}) {
      id = id << 8 | byte;
    }
    return id;
  }
  bool operator==(const MacAddress&) const = default;
};
static_assert(sizeof(MacAddress) == 6 && alignof(MacAddress) == 1);

inline constexpr MacAddress broadcast_mac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

}  // namespace roce

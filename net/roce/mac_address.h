// SPDX-License-Identifier: Apache-2.0
// An Ethernet address as it lies on the wire.
#pragma once

#include <array>
#include <cstdint>

namespace roce {

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};
  constexpr bool is_multicast() const { return (bytes[0] & 1) != 0; }
  bool operator==(const MacAddress&) const = default;
};
static_assert(sizeof(MacAddress) == 6 && alignof(MacAddress) == 1);

inline constexpr MacAddress broadcast_mac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

}  // namespace roce

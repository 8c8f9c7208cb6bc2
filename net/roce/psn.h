// SPDX-License-Identifier: Apache-2.0
// Packet sequence numbers: 24 bits, compared as serial numbers (half of the space is before, half after).
#pragma once

#include <cstdint>

namespace roce {

inline constexpr std::uint32_t psn_mask = 0xffffff;
using Psn = std::uint32_t;  // always within psn_mask

constexpr Psn psn_add(Psn psn, std::uint32_t count) { return (psn + count) & psn_mask; }
// How far `a` lies after `b`: negative if it is before, in [-2^23, 2^23).
constexpr std::int32_t psn_distance(Psn a, Psn b) { return static_cast<std::int32_t>((a - b) << 8) >> 8; }

static_assert(psn_distance(0, psn_mask) == 1 && psn_distance(psn_mask, 0) == -1 && psn_distance(5, 5) == 0);

}  // namespace roce

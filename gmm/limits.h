// SPDX-License-Identifier: Apache-2.0
// Bounds of what the managers keep, so that nobody can make them run out of memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gmm {

inline constexpr std::size_t max_pending_joins = 64;  // challenged and not yet proved; a boot of a rack has tens
inline constexpr std::size_t max_nodes = 4096;        // that ever joined and are remembered
inline constexpr std::size_t max_vnodes = 1024;
inline constexpr std::size_t max_launches = 4096;
// Spaces times vRegions: a process has 4 to 10 of them, and a large one a few hundred.
inline constexpr std::size_t max_vregions = 1 << 18;
inline constexpr std::uint32_t max_vregions_per_request = 256;

inline constexpr std::uint64_t heartbeat_interval_ns = 1'000'000'000;
inline constexpr std::uint64_t lease_ns = 30'000'000'000;  // silence of this length is death
inline constexpr std::uint64_t join_timeout_ns = 30'000'000'000;

}  // namespace gmm

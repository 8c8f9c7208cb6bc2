// SPDX-License-Identifier: Apache-2.0
// Resource limits (getrlimit(2)) with Linux's defaults for a process that nobody has limited.
#pragma once

#include <array>
#include <cstdint>

namespace linux_abi {

struct Limit {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};
inline constexpr std::uint64_t unlimited = ~std::uint64_t{0};

// RLIMIT_* in Linux's order.
enum class Resource : std::uint8_t {
  Cpu,
  FileSize,
  Data,
  Stack,
  Core,
  ResidentSet,
  Processes,
  Files,
  LockedMemory,
  AddressSpace,
  Locks,
  PendingSignals,
  MessageQueue,
  Nice,
  RealtimePriority,
  RealtimeTime,
};
inline constexpr std::size_t resources = 16;

struct Limits {
  std::array<Limit, resources> values{{
      {unlimited, unlimited},
      {unlimited, unlimited},
      {unlimited, unlimited},
      {8 << 20, unlimited},
      {0, unlimited},
      {unlimited, unlimited},
      {32768, 32768},
      {1024, 4096},  // as Linux gives the first process; root may ask for more
      {8 << 20, 8 << 20},
      {unlimited, unlimited},
      {unlimited, unlimited},
      {32768, 32768},
      {819200, 819200},
      {0, 0},
      {0, 0},
      {unlimited, unlimited},
  }};
  Limit& of(Resource resource) { return values[static_cast<std::size_t>(resource)]; }
  const Limit& of(Resource resource) const { return values[static_cast<std::size_t>(resource)]; }
};

}  // namespace linux_abi

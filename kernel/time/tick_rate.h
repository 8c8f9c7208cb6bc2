// SPDX-License-Identifier: Apache-2.0
// Conversion between ticks of a counter and nanoseconds: one multiplication each, no division on the way.
#pragma once

#include <cstdint>

#include "kernel/base/assert.h"

namespace kernel {

class TickRate {
 public:
  static constexpr std::uint64_t min_hertz = 1'000'000;
  static constexpr std::uint64_t max_hertz = 16'000'000'000;

  constexpr TickRate() = default;
  constexpr explicit TickRate(std::uint64_t hertz)
      : hertz_(hertz),
        ns_per_tick_((second_ns << ns_shift) / hertz),
        ticks_per_ns_((hertz << tick_shift) / second_ns + 1) {
    LEGO_ASSERT(hertz >= min_hertz && hertz <= max_hertz);
  }

  constexpr std::uint64_t hertz() const { return hertz_; }
  constexpr std::uint64_t ns_per_tick() const { return ns_per_tick_; }  // times 2^32
  constexpr std::uint64_t to_ns(std::uint64_t ticks) const {
    return static_cast<std::uint64_t>((static_cast<Wide>(ticks) * ns_per_tick_) >> ns_shift);
  }
  // At least one tick, and never short of the duration. ns: up to a century.
  constexpr std::uint64_t to_ticks(std::uint64_t ns) const {
    return static_cast<std::uint64_t>((static_cast<Wide>(ns) * ticks_per_ns_) >> tick_shift) + 1;
  }

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr std::uint64_t second_ns = 1'000'000'000;
  // As large as 64 bits allow for the two quotients.
  static constexpr unsigned ns_shift = 32;
  static constexpr unsigned tick_shift = 30;

  std::uint64_t hertz_ = second_ns;
  std::uint64_t ns_per_tick_ = std::uint64_t{1} << ns_shift;
  std::uint64_t ticks_per_ns_ = (std::uint64_t{1} << tick_shift) + 1;
};

}  // namespace kernel

// SPDX-License-Identifier: Apache-2.0
// Time as pure code sees it: a component's own monotonic clock, virtual in the simulation.
#pragma once

#include <cstdint>

namespace base {

class Clock {
 public:
  virtual std::uint64_t now_ns() const = 0;  // since an arbitrary start; never goes back

 protected:
  ~Clock() = default;
};

inline constexpr std::uint64_t microsecond_ns = 1000;
inline constexpr std::uint64_t millisecond_ns = 1000 * microsecond_ns;
inline constexpr std::uint64_t second_ns = 1000 * millisecond_ns;
inline constexpr std::uint64_t never_ns = ~std::uint64_t{0};

}  // namespace base

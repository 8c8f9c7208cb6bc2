// SPDX-License-Identifier: Apache-2.0
// Load averages: see load_averages.h.
#include "linux-abi/time/load_averages.h"

#include <algorithm>

namespace linux_abi {
namespace {

// 2^16 * exp(-5 s / 1, 5, 15 minutes)
constexpr std::array<std::uint64_t, 3> kept{60296, 64452, 65173};
constexpr std::uint64_t whole = std::uint64_t{1} << LoadAverages::fraction_bits;
// After so many intervals of the same load nothing is left of what was before.
constexpr std::uint64_t most_intervals = 12 * 60 * 60 / 5;

}  // namespace

void LoadAverages::sample(std::uint64_t now_ns, std::uint32_t runnable) {
  if (now_ns < next_ns_) return;
  const std::uint64_t intervals = std::min(1 + (now_ns - next_ns_) / interval_ns, most_intervals);
  next_ns_ = now_ns - (now_ns - next_ns_) % interval_ns + interval_ns;
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    std::uint64_t average = averages_[i].load(std::memory_order_relaxed);
    for (std::uint64_t step = 0; step < intervals; ++step) {
      const std::uint64_t active = runnable * whole;
      // Rounded towards the load, so that it is reached.
      average = (average * kept[i] + active * (whole - kept[i]) + (active >= average ? whole - 1 : 0)) / whole;
    }
    averages_[i].store(average, std::memory_order_relaxed);
  }
}

std::array<std::uint64_t, 3> LoadAverages::averages() const {
  std::array<std::uint64_t, 3> now;
  for (std::size_t i = 0; i < now.size(); ++i) now[i] = averages_[i].load(std::memory_order_relaxed);
  return now;
}

LoadAverages& load_averages() {
  static constinit LoadAverages of_component;
  return of_component;
}

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// How many threads ran or waited for a core, on average over the last 1, 5 and 15 minutes: what uptime, /proc/loadavg
// and sysinfo(2) show. As Linux does it, a sample every five seconds, each average decaying exponentially. sample() is
// for one caller; averages() is for any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "kernel/base/clock.h"

namespace linux_abi {

class LoadAverages {
 public:
  static constexpr unsigned fraction_bits = 16;  // as sysinfo(2) wants them
  static constexpr std::uint64_t interval_ns = 5 * base::second_ns;

  // Called at least as often as interval_ns, or later: a late sample counts for all that it is late.
  void sample(std::uint64_t now_ns, std::uint32_t runnable);
  // Of the last 1, 5 and 15 minutes, in units of 2^-fraction_bits.
  std::array<std::uint64_t, 3> averages() const;

 private:
  std::uint64_t next_ns_ = 0;
  std::array<std::atomic<std::uint64_t>, 3> averages_{};  // relaxed: three numbers for display
};

// Of this component.
LoadAverages& load_averages();

}  // namespace linux_abi

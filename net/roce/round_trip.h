// SPDX-License-Identifier: Apache-2.0
// Measures the round trip of a connection, one sample at a time, and derives the retransmission time-out from its mean
// and deviation as TCP does (RFC 6298). Retransmitted packets are not measured.
#pragma once

#include <algorithm>
#include <cstdint>

#include "net/roce/limits.h"
#include "net/roce/psn.h"

namespace roce {

class RoundTrip {
 public:
  bool sampling() const { return sampling_; }
  void begin(Psn psn, std::uint64_t now_ns) {
    sampling_ = true;
    psn_ = psn;
    begun_ns_ = now_ns;
  }
  void cancel() { sampling_ = false; }
  // Everything before `end` is acknowledged.
  void acknowledged(Psn end, std::uint64_t now_ns) {
    if (!sampling_ || psn_distance(end, psn_) <= 0) return;
    sampling_ = false;
    const std::uint64_t sample = now_ns - begun_ns_;
    if (mean_ns_ == 0) {
      mean_ns_ = sample;
      deviation_ns_ = sample / 2;
      return;
    }
    const std::uint64_t difference = sample > mean_ns_ ? sample - mean_ns_ : mean_ns_ - sample;
    deviation_ns_ = deviation_ns_ - deviation_ns_ / 4 + difference / 4;
    mean_ns_ = mean_ns_ - mean_ns_ / 8 + sample / 8;
  }
  std::uint64_t mean_ns() const { return mean_ns_; }
  // After `backoff` time-outs in a row.
  std::uint64_t timeout_ns(std::uint32_t backoff) const {
    const std::uint64_t measured = mean_ns_ == 0 ? limits::adaptive_first_ns : mean_ns_ + 4 * deviation_ns_;
    const std::uint64_t once = std::max(measured, limits::adaptive_least_ns);
    return std::min(once << std::min(backoff, 8u), limits::adaptive_most_ns);
  }

 private:
  bool sampling_ = false;
  Psn psn_ = 0;
  std::uint64_t begun_ns_ = 0;
  std::uint64_t mean_ns_ = 0;
  std::uint64_t deviation_ns_ = 0;
};

}  // namespace roce

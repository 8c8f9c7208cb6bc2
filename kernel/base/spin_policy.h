// SPDX-License-Identifier: Apache-2.0
// Decides whether a core or a program spins for what it waits for or sleeps at once: it spins, for so long at most,
// while recent spins were rewarded that soon, and otherwise only now and then, to find out. Sleeping on both sides
// costs 100 us per round trip and spinning on one 30, but spinning in vain takes the peer's time where cores are
// shared. One waiter at a time uses it.
#pragma once

#include <cstdint>

#include "kernel/base/clock.h"

namespace base {

class SpinPolicy {
 public:
  static constexpr unsigned try_every = 16;  // waits, when spinning does not pay

  explicit SpinPolicy(std::uint64_t longest_spin_ns) : longest_spin_ns_(longest_spin_ns) {}

  // Called again and again while idle. `waiting_since_ns`: when the oldest answer that is waited for was asked for; 0:
  // none is. Whether to look again without halting.
  bool spin(std::uint64_t waiting_since_ns, std::uint64_t now_ns) {
    if (waiting_since_ns != wait_) begin(waiting_since_ns, now_ns);
    if (!spinning_) return false;
    if (now_ns - wait_ < longest_spin_ns_) return true;
    learn(2 * longest_spin_ns_);
    spinning_ = false;
    return false;
  }

 private:
  void begin(std::uint64_t since_ns, std::uint64_t now_ns) {
    if (spinning_) learn(now_ns - wait_);  // it was answered
    wait_ = since_ns;
    spinning_ = since_ns != 0 && (recent_ns_ <= longest_spin_ns_ || ++skipped_ % try_every == 0);
  }
  void learn(std::uint64_t took_ns) { recent_ns_ = (3 * recent_ns_ + took_ns) / 4; }

  std::uint64_t longest_spin_ns_;
  std::uint64_t wait_ = 0;
  std::uint64_t recent_ns_ = 0;  // moving average of what a spin took
  bool spinning_ = false;
  unsigned skipped_ = 0;
};

}  // namespace base

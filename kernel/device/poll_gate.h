// SPDX-License-Identifier: Apache-2.0
// Lets one core at a time through poll() without making the others wait, and without losing what they came for: a
// core that finds the gate closed leaves a mark, and the one inside looks once more before it goes.
#pragma once

#include <atomic>
#include <cstdint>

namespace device {

class PollGate {
 public:
  // False: another core (or a caller further up this stack) is inside and has been told to look again.
  bool enter() {
    std::uint32_t seen = open;
    while (true) {
      // Acquire pairs with the release in leave(): what the last poller did is visible to this one.
      if (seen == open && state_.compare_exchange_weak(seen, inside, std::memory_order_acquire)) return true;
      if (seen == open) continue;
      // Release: the event that this caller saw is visible to the one inside when it looks again.
      if (seen == again || state_.compare_exchange_weak(seen, again, std::memory_order_release)) return false;
    }
  }
  // False: somebody came meanwhile; the caller is still inside and looks again.
  bool leave() {
    std::uint32_t seen = inside;
    if (state_.compare_exchange_strong(seen, open, std::memory_order_release, std::memory_order_relaxed)) return true;
    state_.exchange(inside, std::memory_order_acquire);  // pairs with the release in enter()
    return false;
  }
  // Out in any case; the caller will be back (it used up its budget).
  void leave_unfinished() { state_.store(open, std::memory_order_release); }

 private:
  static constexpr std::uint32_t open = 0, inside = 1, again = 2;
  std::atomic<std::uint32_t> state_{open};
};

}  // namespace device

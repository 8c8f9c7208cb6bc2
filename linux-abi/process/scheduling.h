// SPDX-License-Identifier: Apache-2.0
// How a thread wants to be scheduled (sched(7)): policy, priority, nice value, reservation. The scheduler knows shares
// by weight only: threads of the real-time policies have the largest, idle ones the smallest, and reservations are
// remembered. Guarded by tasks_lock.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernel/threads/thread.h"

namespace linux_abi {

namespace policy_number {
inline constexpr int other = 0, fifo = 1, round_robin = 2, batch = 3, idle = 5, deadline = 6;
}

// A turn of SCHED_RR, as programs are told.
inline constexpr std::uint64_t round_robin_slice_ns = 100 * base::millisecond_ns;

struct Scheduling {
  int policy = policy_number::other;
  int priority = 0;  // 1 to 99 of real-time policies, else 0
  int nice = 0;
  bool reset_on_fork = false;
  std::uint64_t runtime_ns = 0, deadline_ns = 0, period_ns = 0;  // SCHED_DEADLINE

  bool is_realtime() const { return policy == policy_number::fifo || policy == policy_number::round_robin; }
  bool is_before_others() const { return is_realtime() || policy == policy_number::deadline; }
  // What a new thread or process begins with.
  Scheduling inherited() const {
    Scheduling child = *this;
    if (!reset_on_fork) return child;
    child = {};
    child.nice = is_before_others() ? 0 : std::max(nice, 0);
    return child;
  }
  void apply(threads::Thread& thread) const {
    const int weight = is_before_others()              ? policy::lowest_nice
                       : policy == policy_number::idle ? policy::highest_nice
                                                       : nice;
    thread.set_nice(weight);
  }
};

}  // namespace linux_abi

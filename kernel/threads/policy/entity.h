// SPDX-License-Identifier: Apache-2.0
// What the scheduling policy knows of a thread: class, weight and how much weighted time it has had. Pure data; guarded
// by the lock of the core that the thread belongs to.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <cstdint>

#include "kernel/base/clock.h"

namespace policy {

enum class Class : std::uint8_t {
  High,    // evictors, network work: in order of arrival, before every Normal thread
  Normal,  // user threads and everything else: fair shares by weight
};

// One turn on a core while others wait.
inline constexpr std::uint64_t slice_ns = 4 * base::millisecond_ns;
// A thread that slept is placed this far ahead of the others, so that interactive threads run soon after they wake.
inline constexpr std::int64_t sleeper_bonus_ns = slice_ns / 2;
// How far ahead a waking thread must be to end a running thread's slice early.
inline constexpr std::int64_t wake_preemption_ns = base::millisecond_ns;

inline constexpr int lowest_nice = -20;  // the largest share
inline constexpr int highest_nice = 19;
inline constexpr std::uint32_t nice_zero_weight = 1024;
// Each step of nice is a factor of 1.25. Values out of range are clamped.
std::uint32_t weight_of_nice(int nice);

struct Entity : boost::intrusive::set_base_hook<>, boost::intrusive::list_base_hook<> {
  Class klass = Class::Normal;
  bool queued = false;
  std::uint32_t weight = nice_zero_weight;
  // Weighted running time on the scale of the queue it belongs to: its own share is behind where this is smaller.
  std::int64_t virtual_ns = 0;
};

}  // namespace policy

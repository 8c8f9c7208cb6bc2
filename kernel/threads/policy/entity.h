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

inline constexpr int lowest_nice = -20;  // the largest share
inline constexpr int highest_nice = 19;
inline constexpr std::uint32_t nice_zero_weight = 1024;
// Each step of nice is a factor of 1.25. Values out of range are clamped.
std::uint32_t weight_of_nice(int nice);

struct Entity : boost::intrusive::set_base_hook<>, boost::intrusive::list_base_hook<> {
  Class klass = Class::Normal;
  std::uint32_t weight = nice_zero_weight;
  std::uint64_t virtual_ns = 0;  // weighted running time; on no queue: relative to the floor of the last one
  bool queued = false;
};

}  // namespace policy

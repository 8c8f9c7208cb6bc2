// SPDX-License-Identifier: Apache-2.0
// The time since 1970: see wall_clock.h.
#include "linux-abi/time/wall_clock.h"

#include <atomic>

#include "kernel/threads/scheduler.h"

namespace linux_abi {
namespace {

std::atomic<std::uint64_t> offset_ns{0};  // relaxed: a single number
// Differences below this are the messages' travel time.
constexpr std::uint64_t tolerance_ns = 500'000'000;

}  // namespace

void set_wall_clock(std::uint64_t wall_ns) {
  const std::uint64_t told = wall_ns - threads::clock().now_ns();
  const std::uint64_t known = offset_ns.load(std::memory_order_relaxed);
  if (known == 0 || told > known + tolerance_ns) offset_ns.store(told, std::memory_order_relaxed);
}

std::uint64_t wall_clock_offset_ns() { return offset_ns.load(std::memory_order_relaxed); }
std::uint64_t wall_clock_ns() { return threads::clock().now_ns() + wall_clock_offset_ns(); }

}  // namespace linux_abi

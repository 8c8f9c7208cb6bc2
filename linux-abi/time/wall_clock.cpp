// SPDX-License-Identifier: Apache-2.0
// The time since 1970: see wall_clock.h.
#include "linux-abi/time/wall_clock.h"

#include <atomic>
#include <new>

#include "arch/x86_64/cpu_features.h"
#include "kernel/threads/scheduler.h"
#include "kernel/time/clock.h"
#include "linux-abi/vdso/clock_page.h"

namespace linux_abi {
namespace {

vdso::ClockPage unshared;                 // until there is a page for it
vdso::ClockPage* page = &unshared;        // changed once, before there are programs and before others set the clock
std::atomic<bool> set_by_program{false};  // relaxed: tells of nothing else
// Differences below this are the messages' travel time.
constexpr std::uint64_t tolerance_ns = 500'000'000;

}  // namespace

void set_wall_clock(std::uint64_t wall_ns) {
  if (set_by_program.load(std::memory_order_relaxed)) return;
  const std::uint64_t told = wall_ns - threads::clock().now_ns();
  const std::uint64_t known = page->wall_offset_ns.load(std::memory_order_relaxed);
  if (known == 0 || told > known + tolerance_ns) page->wall_offset_ns.store(told, std::memory_order_relaxed);
}

void change_wall_clock(std::uint64_t wall_ns) {
  set_by_program.store(true, std::memory_order_relaxed);
  page->wall_offset_ns.store(wall_ns - threads::clock().now_ns(), std::memory_order_relaxed);
}

void share_clock(std::span<std::byte> memory) {
  LEGO_ASSERT(memory.size() >= sizeof(vdso::ClockPage));
  const kernel::ClockConversion conversion = kernel::clock_conversion();
  page = ::new (memory.data()) vdso::ClockPage{.start_ticks = conversion.start_ticks,
                                               .ns_per_tick = conversion.ns_per_tick,
                                               .wall_offset_ns{wall_clock_offset_ns()},
                                               .has_core_number = arch::cpu_features().rdtscp ? 1U : 0U};
}

std::uint64_t wall_clock_offset_ns() { return page->wall_offset_ns.load(std::memory_order_relaxed); }
std::uint64_t wall_clock_ns() { return threads::clock().now_ns() + wall_clock_offset_ns(); }

}  // namespace linux_abi

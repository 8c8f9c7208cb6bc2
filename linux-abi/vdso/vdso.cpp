// SPDX-License-Identifier: Apache-2.0
// The shared object that every program finds through AT_SYSINFO_EHDR ([vdso]; vdso(7)): the time and the processor's
// number without a system call. It runs in user mode, knows nothing but the clock page before it, and asks the system
// for clocks that the page does not have.
#include <asm/unistd_64.h>

#include "arch/x86_64/cpu.h"
#include "linux-abi/vdso/clock_page.h"

// Lies right before this object; vdso.ld says so.
extern "C" [[gnu::visibility("hidden")]] const vdso::ClockPage vdso_clock_page;

namespace {

constexpr std::uint64_t ns_per_second = 1'000'000'000;

struct Timespec {
  std::int64_t seconds, nanoseconds;
};
struct Timeval {
  std::int64_t seconds, microseconds;
};
struct Timezone {
  std::int32_t minutes_west, dst;
};

// By their numbers (clock_gettime(2)): a bit for each.
constexpr std::uint32_t bit(unsigned clock) { return 1U << clock; }
constexpr std::uint32_t wall_clocks = bit(0) | bit(5) | bit(11);               // REALTIME, _COARSE, TAI
constexpr std::uint32_t monotonic_clocks = bit(1) | bit(4) | bit(6) | bit(7);  // MONOTONIC, _RAW, _COARSE, BOOTTIME
constexpr std::uint32_t coarse_clocks = bit(5) | bit(6);
constexpr std::int64_t coarse_resolution_ns = 4'000'000;

bool is_one_of(int clock, std::uint32_t clocks) { return clock >= 0 && clock < 32 && (clocks >> clock & 1) != 0; }

std::uint64_t monotonic_ns() { return vdso_clock_page.monotonic_ns(arch::read_tsc_in_order()); }
std::uint64_t wall_ns() {
  const std::uint64_t now = monotonic_ns();
  return now + vdso_clock_page.wall_offset_ns.load(std::memory_order_relaxed);
}

std::uint64_t address(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

}  // namespace

#define EXPORTED extern "C" [[gnu::visibility("default")]]

EXPORTED int __vdso_clock_gettime(int clock, Timespec* time) {
  std::uint64_t now = 0;
  if (is_one_of(clock, monotonic_clocks)) {
    now = monotonic_ns();
  } else if (is_one_of(clock, wall_clocks)) {
    now = wall_ns();
  } else {
    return static_cast<int>(
        arch::make_system_call(__NR_clock_gettime, static_cast<std::uint32_t>(clock), address(time)));
  }
  time->seconds = static_cast<std::int64_t>(now / ns_per_second);
  time->nanoseconds = static_cast<std::int64_t>(now % ns_per_second);
  return 0;
}

EXPORTED int __vdso_clock_getres(int clock, Timespec* resolution) {
  if (!is_one_of(clock, monotonic_clocks | wall_clocks))
    return static_cast<int>(
        arch::make_system_call(__NR_clock_getres, static_cast<std::uint32_t>(clock), address(resolution)));
  if (resolution != nullptr) *resolution = {0, is_one_of(clock, coarse_clocks) ? coarse_resolution_ns : 1};
  return 0;
}

EXPORTED int __vdso_gettimeofday(Timeval* time, Timezone* zone) {
  if (time != nullptr) {
    const std::uint64_t now = wall_ns();
    time->seconds = static_cast<std::int64_t>(now / ns_per_second);
    time->microseconds = static_cast<std::int64_t>(now % ns_per_second / 1000);
  }
  if (zone != nullptr) *zone = {};
  return 0;
}

EXPORTED std::int64_t __vdso_time(std::int64_t* time) {
  const auto now = static_cast<std::int64_t>(wall_ns() / ns_per_second);
  if (time != nullptr) *time = now;
  return now;
}

EXPORTED std::int64_t __vdso_getcpu(std::uint32_t* core, std::uint32_t* node, void*) {
  if (vdso_clock_page.has_core_number == 0) return arch::make_system_call(__NR_getcpu, address(core), address(node));
  if (core != nullptr) *core = arch::read_tsc_aux();
  if (node != nullptr) *node = 0;
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// The component's clock: nanoseconds since boot from the time-stamp counter, whose frequency is found at start-up
// (CPUID, HPET, ACPI timer or PIT). Readable on every core and in every context; stands at 0 until it is started.
#pragma once

#include <cstdint>

#include "kernel/base/clock.h"

namespace kernel {

const base::Clock& clock();
std::uint64_t now_ns();

// now_ns() for code outside the kernel: (tsc - start_ticks) * ns_per_tick / 2^32, and 0 up to start_ticks.
struct ClockConversion {
  std::uint64_t start_ticks = 0;
  std::uint64_t ns_per_tick = 0;
};
ClockConversion clock_conversion();

// For code that times very short things: ticks of the time-stamp counter per second, and differences of it in time.
std::uint64_t tsc_hertz();
std::uint64_t ticks_to_ns(std::uint64_t ticks);
std::uint64_t ns_to_ticks(std::uint64_t ns);

// Spins; for device initialisation that has nothing to wait on. At most a few milliseconds.
void spin_for_ns(std::uint64_t duration_ns);

// Once, at boot: the counter's value at time 0, and its frequency.
void start_clock(std::uint64_t tsc_at_boot, std::uint64_t hertz);

}  // namespace kernel

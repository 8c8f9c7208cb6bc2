// SPDX-License-Identifier: Apache-2.0
// The component's clock: nanoseconds since boot from the time-stamp counter, whose frequency is found at start-up
// (CPUID, HPET, ACPI timer or PIT). Readable on every core and in every context.
#pragma once

#include <cstdint>

#include "kernel/base/clock.h"

namespace kernel {

const base::Clock& clock();
std::uint64_t now_ns();

// For code that times very short things: TSC ticks per second, and a conversion of tick differences.
std::uint64_t tsc_frequency();
std::uint64_t ticks_to_ns(std::uint64_t ticks);

// Spins; for device initialisation that has nothing to wait on. At most a few milliseconds.
void spin_for_ns(std::uint64_t duration_ns);

}  // namespace kernel

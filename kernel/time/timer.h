// SPDX-License-Identifier: Apache-2.0
// One one-shot timer per core, from the local APIC. Whoever runs the core (event core or scheduler) owns it: it keeps
// its own list of deadlines and sets the earliest one here.
#pragma once

#include <cstdint>

#include "kernel/base/clock.h"

namespace kernel {

// The interrupt of this core's timer comes at or soon after this time on clock(), never before; an earlier setting is
// forgotten. base::never_ns: no interrupt. A time in the past: at once. Call with interrupts disabled.
void set_deadline(std::uint64_t deadline_ns);

// Called in interrupt context, on the core whose deadline has come. One for all cores, set once.
using DeadlineCallback = void (*)();
void on_deadline(DeadlineCallback callback);

// Once, at boot, when the clock runs; then on each core, when its APIC runs.
void start_timers(std::uint64_t apic_timer_hertz);
void start_timer_on_this_core();

}  // namespace kernel

// SPDX-License-Identifier: Apache-2.0
// Finds out how fast the time-stamp counter and the APIC timer run, by a counter whose frequency is known: the HPET,
// the ACPI timer or the PIT, in this order. Takes about 10 ms, once, on the boot core.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/acpi/tables.h"

namespace kernel {

struct Frequencies {
  std::uint64_t tsc_hertz = 0;
  std::uint64_t apic_timer_hertz = 0;  // of its count, after division
  std::string_view reference;          // "CPUID", "HPET", "ACPI timer", "PIT"
};

// The APIC of this core has been started; interrupts are disabled.
Frequencies measure_frequencies(const acpi::Tables& tables);

}  // namespace kernel

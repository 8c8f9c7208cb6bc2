// SPDX-License-Identifier: Apache-2.0
// The local APIC, by memory (xAPIC) or by MSRs (x2APIC, when CPUID has it): SDM volume 3A, chapter 11. Each core
// has its own at the same address. Registers are only touched by their core.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/base/types.h"

namespace arch {

inline constexpr std::uint8_t spurious_vector = 0xff;

// Where the registers are in memory; does not matter when uses_x2apic().
base::PhysAddr apic_address();
bool uses_x2apic();

// Once, by the boot core: the mapped registers (nullptr with x2APIC). Masks the legacy PICs.
void set_apic_registers(std::byte* registers);
// On each core: enables its APIC, everything masked, and notes its id in the per-CPU area.
void start_apic();

std::uint32_t read_apic_id();
void end_of_interrupt();
void send_fixed_ipi(std::uint32_t apic_id, std::uint8_t vector);
void send_fixed_ipi_to_others(std::uint8_t vector);
void send_nmi_to_others();
// The start sequence of another core (SDM volume 3A, 9.4.4): INIT, and start-up at a page below 1 MiB. The caller
// waits between them.
void send_init(std::uint32_t apic_id);
void send_startup(std::uint32_t apic_id, base::PhysAddr page);

// The timer of this core, one-shot. In count mode it runs down from `count` at the bus frequency divided by
// apic_timer_divisor; in deadline mode it fires when the TSC reaches a value.
inline constexpr std::uint32_t apic_timer_divisor = 16;
enum class ApicTimerMode : std::uint8_t { Count, TscDeadline };
void start_apic_timer(ApicTimerMode mode, std::uint8_t vector);
void set_apic_timer_count(std::uint32_t count);  // 0 stops it
std::uint32_t apic_timer_count();                // what is left
void set_tsc_deadline(std::uint64_t tsc);        // 0 stops it

}  // namespace arch

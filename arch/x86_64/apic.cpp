// SPDX-License-Identifier: Apache-2.0
// The local APIC: see apic.h.
#include "arch/x86_64/apic.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_features.h"
#include "arch/x86_64/msr.h"
#include "arch/x86_64/percpu.h"

namespace arch {
namespace {

// Offsets of the memory-mapped registers; x2APIC MSR = x2apic_first + offset / 16 (SDM volume 3A, table 11-6).
enum class Register : std::uint32_t {
  Id = 0x20,
  TaskPriority = 0x80,
  EndOfInterrupt = 0xb0,
  LogicalDestination = 0xd0,
  Spurious = 0xf0,
  InterruptCommand = 0x300,
  InterruptCommandHigh = 0x310,
  Timer = 0x320,
  Thermal = 0x330,
  PerformanceCounter = 0x340,
  Local0 = 0x350,
  Local1 = 0x360,
  Error = 0x370,
  InitialCount = 0x380,
  CurrentCount = 0x390,
  DivideConfiguration = 0x3e0,
};

constexpr std::uint32_t masked = 1u << 16;
constexpr std::uint32_t software_enable = 1u << 8;
constexpr std::uint32_t delivery_nmi = 4u << 8;
constexpr std::uint32_t delivery_init = 5u << 8;
constexpr std::uint32_t delivery_startup = 6u << 8;
constexpr std::uint32_t level_assert = 1u << 14;
constexpr std::uint32_t delivery_pending = 1u << 12;
constexpr std::uint32_t all_but_self = 3u << 18;
constexpr std::uint32_t timer_tsc_deadline = 2u << 17;
constexpr std::uint32_t divide_by_16 = 3;
constexpr std::uint64_t apic_base_enable = 1u << 11;
constexpr std::uint64_t apic_base_x2apic = 1u << 10;

std::byte* memory_registers = nullptr;

std::uint32_t read(Register name) {
  const auto offset = static_cast<std::uint32_t>(name);
  if (uses_x2apic()) return static_cast<std::uint32_t>(read_msr(msr::x2apic_first + offset / 16));
  return *reinterpret_cast<volatile std::uint32_t*>(memory_registers + offset);
}

void write(Register name, std::uint32_t value) {
  const auto offset = static_cast<std::uint32_t>(name);
  if (uses_x2apic())
    write_msr(msr::x2apic_first + offset / 16, value);
  else
    *reinterpret_cast<volatile std::uint32_t*>(memory_registers + offset) = value;
}

void send(std::uint32_t apic_id, std::uint32_t command) {
  if (uses_x2apic()) {
    // Unlike stores to memory, WRMSR to the x2APIC does not wait for earlier stores (SDM volume 3A, 11.12.3).
    full_fence();
    write_msr(msr::x2apic_first + static_cast<std::uint32_t>(Register::InterruptCommand) / 16,
              (std::uint64_t{apic_id} << 32) | command);
    return;
  }
  // An interrupt handler that sends between the two stores would change the destination.
  const std::uint64_t flags = read_rflags();
  disable_interrupts();
  while ((read(Register::InterruptCommand) & delivery_pending) != 0) pause();
  write(Register::InterruptCommandHigh, apic_id << 24);
  write(Register::InterruptCommand, command);
  if ((flags & rflags_interrupt) != 0) enable_interrupts();
}

// Moves the two 8259A out of the exceptions' way and masks all their inputs: everything we use sends messages.
void mask_legacy_controllers() {
  constexpr std::uint16_t ports[] = {0x20, 0xa0};
  for (unsigned chip = 0; chip < 2; ++chip) {
    const auto data = static_cast<std::uint16_t>(ports[chip] + 1);
    out8(ports[chip], 0x11);                                 // ICW1: initialise, ICW4 follows
    out8(data, static_cast<std::uint8_t>(0x20 + 8 * chip));  // ICW2: first vector
    out8(data, chip == 0 ? 4 : 2);                           // ICW3: the second hangs on input 2
    out8(data, 1);                                           // ICW4: 8086 mode
    out8(data, 0xff);
  }
}

}  // namespace

bool uses_x2apic() { return cpu_features().x2apic; }

base::PhysAddr apic_address() {
  const std::uint64_t mask = (std::uint64_t{1} << cpu_features().physical_address_bits) - 1;
  return base::PhysAddr(read_msr(msr::ia32_apic_base) & mask & ~std::uint64_t{0xfff});
}

void set_apic_registers(std::byte* registers) {
  memory_registers = registers;
  mask_legacy_controllers();
}

void start_apic() {
  std::uint64_t base_register = read_msr(msr::ia32_apic_base) | apic_base_enable;
  if (uses_x2apic()) base_register |= apic_base_x2apic;
  write_msr(msr::ia32_apic_base, base_register);
  for (const Register entry : {Register::Timer, Register::Thermal, Register::PerformanceCounter, Register::Local0,
                               Register::Local1, Register::Error})
    write(entry, masked);
  write(Register::Local1, delivery_nmi);
  write(Register::TaskPriority, 0);
  write(Register::Spurious, software_enable | spurious_vector);
  this_cpu().apic_id = read_apic_id();
}

std::uint32_t read_apic_id() {
  const std::uint32_t value = read(Register::Id);
  return uses_x2apic() ? value : value >> 24;
}

void end_of_interrupt() { write(Register::EndOfInterrupt, 0); }
void send_fixed_ipi(std::uint32_t apic_id, std::uint8_t vector) { send(apic_id, level_assert | vector); }
void send_fixed_ipi_to_others(std::uint8_t vector) { send(0, all_but_self | level_assert | vector); }
void send_nmi_to_others() { send(0, all_but_self | level_assert | delivery_nmi); }
void send_init(std::uint32_t apic_id) { send(apic_id, level_assert | delivery_init); }
void send_startup(std::uint32_t apic_id, base::PhysAddr page) {
  send(apic_id, level_assert | delivery_startup | static_cast<std::uint32_t>(page.value() >> base::page_shift));
}

void start_apic_timer(ApicTimerMode mode, std::uint8_t vector) {
  write(Register::DivideConfiguration, divide_by_16);
  write(Register::InitialCount, 0);
  write(Register::Timer, vector | (mode == ApicTimerMode::TscDeadline ? timer_tsc_deadline : 0));
  // The mode must have changed before the first deadline is written (SDM volume 3A, 11.5.4.1).
  full_fence();
}
void set_apic_timer_count(std::uint32_t count) { write(Register::InitialCount, count); }
std::uint32_t apic_timer_count() { return read(Register::CurrentCount); }
void set_tsc_deadline(std::uint64_t tsc) { write_msr(msr::ia32_tsc_deadline, tsc); }

}  // namespace arch

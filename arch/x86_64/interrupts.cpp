// SPDX-License-Identifier: Apache-2.0
// The interrupt descriptor table, dispatch of traps and allocation of vectors: see interrupts.h.
// Device vectors are counted up from first_device on each core, shared ones down from last_shared on all.
#include "arch/x86_64/interrupts.h"

#include <array>
#include <atomic>

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/gdt.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/trap_report.h"
#include "kernel/base/assert.h"
#include "kernel/base/spinlock.h"

extern "C" const std::array<std::uint64_t, 256> trap_stubs;  // trap_entry.asm

namespace arch {
namespace {

constexpr unsigned first_device = 0x30;  // below: exceptions, and where the legacy PIC was moved to
constexpr unsigned last_device = 0xef;
constexpr unsigned first_shared = 0xf0;
constexpr unsigned last_shared = 0xfe;

// SDM volume 3A, figure 6-8.
struct Gate {
  std::uint16_t offset_low = 0;
  std::uint16_t selector = 0;
  std::uint8_t ist = 0;
  std::uint8_t type = 0;
  std::uint16_t offset_middle = 0;
  std::uint32_t offset_high = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(Gate) == 16);
constexpr std::uint8_t interrupt_gate = 0x8e;       // present, ring 0; interrupts off at entry
constexpr std::uint8_t user_interrupt_gate = 0xee;  // ring 3 may use INT n

alignas(16) std::array<Gate, 256> gates;
base::SpinLock lock{base::LockRank::Frames};  // guards the handlers of all cores, against other writers
unsigned next_shared = last_shared;

// Set once at start-up, before what they handle can happen.
PageFaultHandler page_fault_handler = nullptr;
std::array<ExceptionHandler, vector::exceptions> exception_handlers{};
TrapHook exit_hook = nullptr;
TrapHook user_entry_hook = nullptr;
TrapHook nmi_handler = nullptr;

InterruptHandler* load_handler(PerCpu& cpu, std::uint64_t number) {
  // acquire: the handler's object was made before; pairs with the release in store_handler on another core.
  return std::atomic_ref(cpu.handlers[number]).load(std::memory_order_acquire);
}
void store_handler(PerCpu& cpu, std::uint64_t number, InterruptHandler* handler) {
  std::atomic_ref(cpu.handlers[number]).store(handler, std::memory_order_release);
}

bool handle_exception(TrapFrame& frame) {
  if (frame.vector == vector::non_maskable && nmi_handler != nullptr) {
    nmi_handler(frame);
    return true;
  }
  if (frame.vector == vector::page_fault && page_fault_handler != nullptr)
    return page_fault_handler(frame, read_cr2(), frame.error);
  const ExceptionHandler handler = exception_handlers[frame.vector];
  return handler != nullptr && handler(frame);
}

void handle_interrupt(PerCpu& cpu, std::uint64_t number) {
  ++cpu.interrupts;
  InterruptHandler* handler = load_handler(cpu, number);
  if (handler == nullptr) {
    ++cpu.spurious_interrupts;
    if (number == spurious_vector) return;  // the APIC expects no end-of-interrupt for it
  } else {
    handler->interrupt();
  }
  end_of_interrupt();
}

}  // namespace

extern "C" void trap_dispatch(TrapFrame& frame) {
  if (frame.vector == vector::non_maskable || frame.vector == vector::double_fault ||
      frame.vector == vector::machine_check) {
    if (!handle_exception(frame)) report_fatal_trap(frame);
    return;
  }
  if (frame.from_user() && user_entry_hook != nullptr) user_entry_hook(frame);
  if (frame.vector >= vector::exceptions)
    handle_interrupt(this_cpu(), frame.vector);
  else if (!handle_exception(frame))
    report_fatal_trap(frame);
  disable_interrupts();
  if (exit_hook != nullptr) exit_hook(frame);
}

void make_interrupt_table() {
  for (unsigned number = 0; number < gates.size(); ++number) {
    const std::uint64_t stub = trap_stubs[number];
    Gate& gate = gates[number];
    gate.offset_low = static_cast<std::uint16_t>(stub);
    gate.offset_middle = static_cast<std::uint16_t>(stub >> 16);
    gate.offset_high = static_cast<std::uint32_t>(stub >> 32);
    gate.selector = kernel_code_selector;
    gate.type = interrupt_gate;
  }
  gates[vector::breakpoint].type = user_interrupt_gate;
  gates[vector::overflow].type = user_interrupt_gate;
  gates[vector::non_maskable].ist = ist_non_maskable;
  gates[vector::double_fault].ist = ist_double_fault;
  gates[vector::machine_check].ist = ist_machine_check;
}

void load_interrupt_table() { load_idt({sizeof gates - 1, reinterpret_cast<std::uint64_t>(gates.data())}); }

base::Result<InterruptVector> allocate_vector(InterruptHandler& handler, std::uint32_t core) {
  const base::SpinGuard guard(lock);
  PerCpu& cpu = percpu(core);
  for (unsigned number = first_device; number <= last_device; ++number) {
    if (load_handler(cpu, number) != nullptr) continue;
    store_handler(cpu, number, &handler);
    return InterruptVector{core, static_cast<std::uint8_t>(number)};
  }
  return base::fail(base::Error::Exhausted);
}

void free_vector(InterruptVector vector) {
  const base::SpinGuard guard(lock);
  LEGO_ASSERT(vector.number >= first_device && vector.number <= last_device);
  store_handler(percpu(vector.core), vector.number, nullptr);
}

base::Result<std::uint8_t> allocate_shared_vector(InterruptHandler& handler) {
  const base::SpinGuard guard(lock);
  if (next_shared < first_shared) return base::fail(base::Error::Exhausted);
  const auto number = static_cast<std::uint8_t>(next_shared--);
  for (std::uint32_t core = 0; core < base::max_cores; ++core) store_handler(percpu(core), number, &handler);
  return number;
}

base::Result<MsiMessage> msi_message(InterruptVector vector) {
  const std::uint32_t apic_id = percpu(vector.core).apic_id;
  if (apic_id > 0xff) return base::fail(base::Error::NotSupported);
  // SDM volume 3A, 11.11: fixed delivery, physical destination, edge triggered.
  return MsiMessage{0xfee00000u | std::uint64_t{apic_id} << 12, vector.number};
}

void send_interrupt(std::uint32_t core, std::uint8_t vector) { send_fixed_ipi(percpu(core).apic_id, vector); }
void send_interrupt_to_others(std::uint8_t vector) { send_fixed_ipi_to_others(vector); }

void set_page_fault_handler(PageFaultHandler handler) { page_fault_handler = handler; }
void set_exception_handler(std::uint8_t vector, ExceptionHandler handler) {
  LEGO_ASSERT(vector < vector::exceptions && vector != vector::page_fault && gates[vector].ist == 0);
  exception_handlers[vector] = handler;
}
void set_trap_exit_hook(TrapHook hook) { exit_hook = hook; }
void set_user_entry_hook(TrapHook hook) { user_entry_hook = hook; }
void set_nmi_handler(TrapHook handler) { nmi_handler = handler; }

}  // namespace arch

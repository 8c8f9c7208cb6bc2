// SPDX-License-Identifier: Apache-2.0
// The instructions that C++ has no words for: the only inline assembly of the project. Each function is one instruction
// or the shortest sequence that means something; none checks whether the CPU has it (cpu_features.h does).
// "memory" clobbers stand where the compiler must not move accesses across.
#pragma once

#include <cstdint>

namespace arch {

// --- Interrupt flag -------------------------------------------------------------------------------------------------
inline constexpr std::uint64_t rflags_trap = 1u << 8;
inline constexpr std::uint64_t rflags_interrupt = 1u << 9;
inline constexpr std::uint64_t rflags_direction = 1u << 10;
inline constexpr std::uint64_t rflags_nested_task = 1u << 14;
inline constexpr std::uint64_t rflags_resume = 1u << 16;
inline constexpr std::uint64_t rflags_alignment_check = 1u << 18;

inline std::uint64_t read_rflags() {
  std::uint64_t flags;
  asm volatile("pushfq; popq %0" : "=r"(flags)::"memory");
  return flags;
}
inline bool interrupts_enabled() { return (read_rflags() & rflags_interrupt) != 0; }
inline void disable_interrupts() { asm volatile("cli" ::: "memory"); }
inline void enable_interrupts() { asm volatile("sti" ::: "memory"); }
// Sleeps until an interrupt. STI takes effect after the next instruction, so an interrupt that is pending when this is
// called with interrupts disabled ends the HLT: no wake-up is lost. Returns with interrupts enabled.
inline void enable_interrupts_and_halt() { asm volatile("sti; hlt" ::: "memory"); }
inline void halt() { asm volatile("hlt" ::: "memory"); }
inline void pause() { asm volatile("pause" ::: "memory"); }
[[noreturn]] inline void halt_forever() {
  while (true) asm volatile("cli; hlt" ::: "memory");
}

// --- Control and model-specific registers ---------------------------------------------------------------------------
inline std::uint64_t read_cr0() {
  std::uint64_t value;
  asm volatile("movq %%cr0, %0" : "=r"(value));
  return value;
}
inline void write_cr0(std::uint64_t value) { asm volatile("movq %0, %%cr0" ::"r"(value) : "memory"); }
inline std::uint64_t read_cr2() {
  std::uint64_t value;
  asm volatile("movq %%cr2, %0" : "=r"(value));
  return value;
}
inline std::uint64_t read_cr3() {
  std::uint64_t value;
  asm volatile("movq %%cr3, %0" : "=r"(value)::"memory");
  return value;
}
inline void write_cr3(std::uint64_t value) { asm volatile("movq %0, %%cr3" ::"r"(value) : "memory"); }
inline std::uint64_t read_cr4() {
  std::uint64_t value;
  asm volatile("movq %%cr4, %0" : "=r"(value));
  return value;
}
inline void write_cr4(std::uint64_t value) { asm volatile("movq %0, %%cr4" ::"r"(value) : "memory"); }

inline std::uint64_t read_msr(std::uint32_t number) {
  std::uint32_t low, high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number) : "memory");
  return (std::uint64_t{high} << 32) | low;
}
inline void write_msr(std::uint32_t number, std::uint64_t value) {
  asm volatile("wrmsr" ::"c"(number), "a"(static_cast<std::uint32_t>(value)),
               "d"(static_cast<std::uint32_t>(value >> 32))
               : "memory");
}

struct CpuidResult {
  std::uint32_t eax, ebx, ecx, edx;
};
inline CpuidResult cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) {
  CpuidResult result;
  asm volatile("cpuid"
               : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
               : "a"(leaf), "c"(subleaf));
  return result;
}

// --- Translation look-aside buffer ----------------------------------------------------------------------------------
inline void invalidate_page(std::uint64_t address) { asm volatile("invlpg (%0)" ::"r"(address) : "memory"); }
// Every translation of this address space but the global ones (the kernel's).
inline void flush_address_space() { write_cr3(read_cr3()); }

// --- Ports ----------------------------------------------------------------------------------------------------------
inline std::uint8_t in8(std::uint16_t port) {
  std::uint8_t value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}
inline std::uint16_t in16(std::uint16_t port) {
  std::uint16_t value;
  asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}
inline std::uint32_t in32(std::uint16_t port) {
  std::uint32_t value;
  asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}
inline void out8(std::uint16_t port, std::uint8_t value) {
  asm volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory");
}
inline void out16(std::uint16_t port, std::uint16_t value) {
  asm volatile("outw %0, %1" ::"a"(value), "Nd"(port) : "memory");
}
inline void out32(std::uint16_t port, std::uint32_t value) {
  asm volatile("outl %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

// --- Time and randomness --------------------------------------------------------------------------------------------
inline std::uint64_t read_tsc() {
  std::uint32_t low, high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
  return (std::uint64_t{high} << 32) | low;
}
// After everything before it has been done: what one core reads of it is not before what another saw.
inline std::uint64_t read_tsc_in_order() {
  std::uint32_t low, high;
  asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
  return (std::uint64_t{high} << 32) | low;
}
// What IA32_TSC_AUX of the core holds: its number.
inline std::uint32_t read_tsc_aux() {
  std::uint32_t low, high, aux;
  asm volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux)::"memory");
  return aux;
}
// Both may fail for a while (return false) when the generator is drained.
inline bool read_hardware_random(std::uint64_t& value) {
  bool valid;
  asm volatile("rdrand %0" : "=r"(value), "=@ccc"(valid));
  return valid;
}
inline bool read_hardware_seed(std::uint64_t& value) {
  bool valid;
  asm volatile("rdseed %0" : "=r"(value), "=@ccc"(valid));
  return valid;
}

// --- Descriptor tables ----------------------------------------------------------------------------------------------
struct [[gnu::packed]] TableRegister {
  std::uint16_t limit;
  std::uint64_t base;
};
static_assert(sizeof(TableRegister) == 10);

inline void load_idt(const TableRegister& table) { asm volatile("lidt %0" ::"m"(table) : "memory"); }
// Loads the table and reloads CS (by a far return) and the data segments; FS and GS bases are not touched: only MSRs
// set those, because loading the selectors would zero them.
inline void load_gdt(const TableRegister& table, std::uint16_t code, std::uint16_t data) {
  asm volatile(
      "lgdt %0\n\t"
      "pushq %1\n\t"
      "leaq 1f(%%rip), %%rax\n\t"
      "pushq %%rax\n\t"
      "lretq\n"
      "1:\n\t"
      "movw %w2, %%ds\n\t"
      "movw %w2, %%es\n\t"
      "movw %w2, %%ss" ::"m"(table),
      "r"(std::uint64_t{code}), "r"(std::uint32_t{data})
      : "rax", "memory");
}
inline void load_task_register(std::uint16_t selector) { asm volatile("ltr %0" ::"r"(selector) : "memory"); }

// --- Per-CPU area, found by the GS base (percpu.h) ------------------------------------------------------------------
// volatile: a thread may go on on another core between two of these.
template <unsigned Offset>
inline std::uint64_t read_gs64() {
  std::uint64_t value;
  asm volatile("movq %%gs:%c1, %0" : "=r"(value) : "i"(Offset));
  return value;
}
template <unsigned Offset>
inline std::uint32_t read_gs32() {
  std::uint32_t value;
  asm volatile("movl %%gs:%c1, %0" : "=r"(value) : "i"(Offset));
  return value;
}
template <unsigned Offset>
inline void write_gs64(std::uint64_t value) {
  asm volatile("movq %0, %%gs:%c1" ::"r"(value), "i"(Offset) : "memory");
}

// --- System calls, from code that runs in user mode ---------------------------------------------------------------
inline std::int64_t make_system_call(std::uint64_t number, std::uint64_t first, std::uint64_t second) {
  std::int64_t result;
  asm volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second) : "rcx", "r11", "memory");
  return result;
}

// --- FS base of user mode, where the CPU has FSGSBASE and CR4 enables it --------------------------------------------
inline std::uint64_t read_fs_base() {
  std::uint64_t value;
  asm volatile("rdfsbase %0" : "=r"(value));
  return value;
}
inline void write_fs_base(std::uint64_t value) { asm volatile("wrfsbase %0" ::"r"(value)); }

// --- User memory (SMAP): supervisor access to user pages is possible between the two ---------------------------------
inline void allow_user_access() { asm volatile("stac" ::: "memory"); }
inline void forbid_user_access() { asm volatile("clac" ::: "memory"); }

// --- Vector state (the area is 64-byte aligned and as large as CPUID leaf 0Dh says) ----------------------------------
inline void write_xcr0(std::uint64_t mask) {
  asm volatile("xsetbv" ::"c"(0), "a"(static_cast<std::uint32_t>(mask)), "d"(static_cast<std::uint32_t>(mask >> 32)));
}
inline std::uint64_t read_xcr0() {
  std::uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (std::uint64_t{high} << 32) | low;
}
inline void xsave(void* area, std::uint64_t mask) {
  asm volatile("xsave64 (%0)" ::"r"(area), "a"(static_cast<std::uint32_t>(mask)),
               "d"(static_cast<std::uint32_t>(mask >> 32))
               : "memory");
}
inline void xsaveopt(void* area, std::uint64_t mask) {
  asm volatile("xsaveopt64 (%0)" ::"r"(area), "a"(static_cast<std::uint32_t>(mask)),
               "d"(static_cast<std::uint32_t>(mask >> 32))
               : "memory");
}
inline void xrstor(const void* area, std::uint64_t mask) {
  asm volatile("xrstor64 (%0)" ::"r"(area), "a"(static_cast<std::uint32_t>(mask)),
               "d"(static_cast<std::uint32_t>(mask >> 32))
               : "memory");
}
inline void fxsave(void* area) { asm volatile("fxsave64 (%0)" ::"r"(area) : "memory"); }
inline void fxrstor(const void* area) { asm volatile("fxrstor64 (%0)" ::"r"(area) : "memory"); }
inline void clear_task_switched() { asm volatile("clts" ::: "memory"); }

// --- Ordering of device accesses ------------------------------------------------------------------------------------
inline void full_fence() { asm volatile("mfence" ::: "memory"); }
inline void store_fence() { asm volatile("sfence" ::: "memory"); }
inline void load_fence() { asm volatile("lfence" ::: "memory"); }

// --- Debugging ------------------------------------------------------------------------------------------------------
inline std::uint64_t read_frame_pointer() {
  std::uint64_t value;
  asm volatile("movq %%rbp, %0" : "=r"(value));
  return value;
}
[[noreturn]] inline void undefined_instruction() {
  asm volatile("ud2");
  __builtin_unreachable();
}

}  // namespace arch

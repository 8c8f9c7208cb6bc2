// SPDX-License-Identifier: Apache-2.0
// What belongs to one core. In the kernel, the GS base points to its PerCpu; in user mode it waits in
// IA32_KERNEL_GS_BASE, and the entry code swaps (only when it comes from, or goes to, user mode).
// Only the core itself writes its area, except during start-up. offsets.inc has the first offsets for the assembly.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/gdt.h"
#include "kernel/base/spinlock.h"

namespace arch {

class InterruptHandler;

struct alignas(64) PerCpu {
  PerCpu* self = nullptr;
  std::uint64_t kernel_stack_top = 0;  // the running thread's; SYSCALL entry starts there
  std::uint64_t scratch = 0;           // the user's RSP while SYSCALL entry has no register left
  std::uint64_t current_thread = 0;    // kernel/threads' Thread*; 0 on cores without threads
  std::uint32_t core = 0;              // number from 0; the boot core is 0
  std::uint32_t apic_id = 0;
  std::uint64_t interrupts = 0;  // taken so far, for counters
  std::uint64_t spurious_interrupts = 0;
  void* scheduler = nullptr;   // kernel/threads' per-core state
  void* idle_state = nullptr;  // the event core's, where there is one

  Gdt gdt{};
  TaskState task;
  std::array<InterruptHandler*, 256> handlers{};  // by vector; exceptions have a table of their own
};
static_assert(offsetof(PerCpu, kernel_stack_top) == 8 && offsetof(PerCpu, scratch) == 16 &&
              offsetof(PerCpu, current_thread) == 24 && offsetof(PerCpu, core) == base::platform::core_number_offset);

// The area of a core, whether it runs yet or not.
PerCpu& percpu(std::uint32_t core);

inline PerCpu& this_cpu() { return *reinterpret_cast<PerCpu*>(read_gs64<0>()); }
inline std::uint32_t this_core() { return read_gs32<base::platform::core_number_offset>(); }

// The stack that entries from user mode on this core start on: of the thread that is about to run.
inline void set_kernel_stack(std::uint64_t top) {
  PerCpu& cpu = this_cpu();
  cpu.kernel_stack_top = top;
  cpu.task.rsp0 = top;
}

// Stack tops of one core's exceptions that have their own (16-byte aligned).
struct ExceptionStacks {
  std::uint64_t non_maskable, double_fault, machine_check;
};

// Makes the calling core number `core`: GS base, GDT, TSS, IDT, control registers (write protection, SMEP, SMAP, UMIP,
// no-execute, SYSCALL enabled without an entry point). Interrupts stay disabled.
void start_percpu(std::uint32_t core, const ExceptionStacks& stacks);

}  // namespace arch

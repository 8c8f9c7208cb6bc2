// SPDX-License-Identifier: Apache-2.0
// Per-CPU areas and the state that every core is brought into: see percpu.h.
#include "arch/x86_64/percpu.h"

#include "arch/x86_64/cpu_features.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/msr.h"
#include "kernel/base/assert.h"

namespace arch {
namespace {

std::array<PerCpu, base::max_cores> areas;

// Index 0 write-back, 1 write-combining, 2 uncached (overridable), 3 uncached, and the same again (SDM volume
// 3A, 12.12).
constexpr std::uint64_t pat_value = 0x0007'0106'0007'0106;

// The per-CPU pointer goes above the stack, where trap_with_own_stack looks for it.
std::uint64_t prepare_own_stack(PerCpu& cpu, std::uint64_t top) {
  LEGO_ASSERT(top % 16 == 0);
  *reinterpret_cast<PerCpu**>(top - 16) = &cpu;
  return top - 16;
}

void set_control_registers() {
  const CpuFeatures& features = cpu_features();
  write_cr0((read_cr0() | cr::cr0_write_protect | cr::cr0_numeric_error | cr::cr0_monitor_coprocessor) &
            ~(cr::cr0_emulation | cr::cr0_task_switched));
  write_cr4(read_cr4() | cr::cr4_global_pages | cr::cr4_fxsave | (features.umip ? cr::cr4_umip : 0) |
            (features.smep ? cr::cr4_smep : 0) | (features.smap ? cr::cr4_smap : 0));
  write_msr(msr::ia32_efer, read_msr(msr::ia32_efer) | msr::efer_syscall | msr::efer_no_execute);
  write_msr(msr::ia32_pat, pat_value);
  if (features.rdtscp) write_msr(msr::ia32_tsc_aux, this_core());
}

}  // namespace

PerCpu& percpu(std::uint32_t core) {
  LEGO_ASSERT(core < base::max_cores);
  return areas[core];
}

void start_percpu(std::uint32_t core, const ExceptionStacks& stacks) {
  PerCpu& cpu = areas[core];  // not percpu(): an assertion needs what is set up here
  cpu.self = &cpu;
  cpu.core = core;
  write_msr(msr::ia32_gs_base, reinterpret_cast<std::uint64_t>(&cpu));
  write_msr(msr::ia32_kernel_gs_base, 0);
  cpu.task.ist[ist_non_maskable - 1] = prepare_own_stack(cpu, stacks.non_maskable);
  cpu.task.ist[ist_double_fault - 1] = prepare_own_stack(cpu, stacks.double_fault);
  cpu.task.ist[ist_machine_check - 1] = prepare_own_stack(cpu, stacks.machine_check);
  make_gdt(cpu.gdt, cpu.task);
  load_gdt({sizeof(Gdt) - 1, reinterpret_cast<std::uint64_t>(&cpu.gdt)}, kernel_code_selector, kernel_data_selector);
  load_task_register(task_selector);
  load_interrupt_table();
  set_control_registers();
}

}  // namespace arch

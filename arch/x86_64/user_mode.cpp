// SPDX-License-Identifier: Apache-2.0
// Entering, leaving and setting up user mode: see user_mode.h. Faults are in user_mode_faults.cpp.
#include "arch/x86_64/user_mode.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_features.h"
#include "arch/x86_64/gdt.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/msr.h"
#include "arch/x86_64/user_copy.h"
#include "arch/x86_64/user_mode_faults.h"
#include "kernel/base/assert.h"

extern "C" {
void arch_syscall_entry();
[[noreturn]] void arch_enter_user(arch::TrapFrame* frame);
bool arch_system_call(arch::TrapFrame& frame);
}

namespace arch {

namespace {

UserModeHandlers handlers;

// What a user may set: CF PF AF ZF SF TF DF OF RF AC ID.
constexpr std::uint64_t user_flags = 0x25'0dd5;
constexpr std::uint64_t fixed_flags = rflags_interrupt | 2;
// Cleared by SYSCALL: TF IF DF IOPL NT RF AC.
constexpr std::uint64_t syscall_clears = 0x5'7700;

bool is_canonical(std::uint64_t address) {
  const auto high = static_cast<std::int64_t>(address) >> 47;
  return high == 0 || high == -1;
}

// SYSRET takes rip from rcx and rflags from r11, cannot set RF, traps oddly with TF, and faults in kernel mode if rip
// is not canonical (SDM volume 2B, SYSRET).
bool fits_sysret(const TrapFrame& frame) {
  return frame.rcx == frame.rip && frame.r11 == frame.rflags && frame.rip < user_space_end &&
         (frame.rflags & (rflags_trap | rflags_resume)) == 0;
}

// Interrupts are disabled, and stay so until user mode.
void prepare_return(TrapFrame& frame) {
  handlers.return_to_user(frame);
  sanitize_user_frame(frame);
}

void return_from_trap(TrapFrame& frame) {
  if (frame.from_user()) prepare_return(frame);
}

}  // namespace

UserModeHandlers& user_mode_handlers() { return handlers; }

TrapFrame initial_user_frame(base::UserVa entry, base::UserVa stack_pointer) {
  TrapFrame frame{};
  frame.rip = entry.value();
  frame.rsp = stack_pointer.value();
  sanitize_user_frame(frame);
  return frame;
}

bool sanitize_user_frame(TrapFrame& frame) {
  frame.cs = user_code_selector;
  frame.ss = user_data_selector;
  frame.rflags = (frame.rflags & user_flags) | fixed_flags;
  // IRET to an address that is not canonical would fault in kernel mode; this one is never mapped.
  if (!is_canonical(frame.rip)) frame.rip = user_space_end;
  return frame.rip < user_space_end;
}

void enter_user(TrapFrame& frame) {
  disable_interrupts();
  prepare_return(frame);
  arch_enter_user(&frame);
}

bool is_valid_segment_base(std::uint64_t address) { return address < user_space_end; }

UserSegmentBases read_user_segment_bases() {
  const std::uint64_t fs = cpu_features().fsgsbase ? read_fs_base() : read_msr(msr::ia32_fs_base);
  return {fs, read_msr(msr::ia32_kernel_gs_base)};
}

void write_user_segment_bases(const UserSegmentBases& bases) {
  if (cpu_features().fsgsbase) {
    write_fs_base(bases.fs);
  } else {
    write_msr(msr::ia32_fs_base, bases.fs);
  }
  write_msr(msr::ia32_kernel_gs_base, bases.gs);
}

void init_user_mode_on_this_core() {
  LEGO_ASSERT(handlers.system_call != nullptr && handlers.return_to_user != nullptr);
  write_msr(msr::ia32_star, star_value);
  write_msr(msr::ia32_lstar, reinterpret_cast<std::uint64_t>(&arch_syscall_entry));
  write_msr(msr::ia32_fmask, syscall_clears);
  write_msr(msr::ia32_sysenter_cs, 0);             // SYSENTER then is #GP
  write_cr0(read_cr0() | cr::cr0_alignment_mask);  // a user that sets AC gets #AC
  if (cpu_features().fsgsbase) write_cr4(read_cr4() | cr::cr4_fsgsbase);
  install_fault_routes();
  set_trap_exit_hook(return_from_trap);
}

}  // namespace arch

// Called by arch_syscall_entry with interrupts disabled; returns with interrupts disabled whether SYSRET will do.
bool arch_system_call(arch::TrapFrame& frame) {
  arch::UserModeHandlers& handlers = arch::user_mode_handlers();
  handlers.entered_from_user();
  arch::enable_interrupts();
  handlers.system_call(frame);
  arch::disable_interrupts();
  arch::prepare_return(frame);
  return arch::fits_sysret(frame);
}

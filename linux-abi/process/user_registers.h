// SPDX-License-Identifier: Apache-2.0
// A thread's registers as debuggers and core files have them (struct user_regs_struct).
#pragma once

#include "arch/x86_64/trap_frame.h"
#include "arch/x86_64/user_mode.h"
#include "linux-abi/core/elf_core.h"

namespace linux_abi {

inline core::Registers registers_of(const arch::TrapFrame& f, const arch::UserSegmentBases& bases) {
  core::Registers r{};
  r.r15 = f.r15, r.r14 = f.r14, r.r13 = f.r13, r.r12 = f.r12, r.rbp = f.rbp, r.rbx = f.rbx, r.r11 = f.r11;
  r.r10 = f.r10, r.r9 = f.r9, r.r8 = f.r8, r.rax = f.rax, r.rcx = f.rcx, r.rdx = f.rdx, r.rsi = f.rsi, r.rdi = f.rdi;
  // Of what was no call debuggers must not restart one.
  r.orig_rax = f.vector == arch::syscall_vector ? f.error : ~std::uint64_t{0};
  r.rip = f.rip, r.cs = f.cs, r.rflags = f.rflags, r.rsp = f.rsp, r.ss = f.ss;
  r.fs_base = bases.fs, r.gs_base = bases.gs;
  return r;
}

// Segments and what else a user may not choose is seen to on the way to user mode. The call's number counts within a
// call only.
inline void set_registers(arch::TrapFrame& f, const core::Registers& r) {
  f.r15 = r.r15, f.r14 = r.r14, f.r13 = r.r13, f.r12 = r.r12, f.rbp = r.rbp, f.rbx = r.rbx, f.r11 = r.r11;
  f.r10 = r.r10, f.r9 = r.r9, f.r8 = r.r8, f.rax = r.rax, f.rcx = r.rcx, f.rdx = r.rdx, f.rsi = r.rsi, f.rdi = r.rdi;
  if (f.vector == arch::syscall_vector) f.error = r.orig_rax;
  f.rip = r.rip, f.rflags = r.rflags, f.rsp = r.rsp;
}

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// The border between user and kernel mode: what the layers above install, and how a thread goes to user mode.
// Every entry from user mode (system call, exception, interrupt) leaves all registers in a TrapFrame at the top of the
// thread's kernel stack, and every return goes through the return handler. Handlers are installed once, before the
// first user thread runs. Kernel mode is not preempted.
#pragma once

#include <cstdint>

#include "arch/x86_64/trap_frame.h"
#include "kernel/base/types.h"

namespace arch {

// What a page fault was, from the error code that the processor pushes.
struct PageFault {
  base::UserVa address;
  bool present;  // a protection violation, not a missing page
  bool write;
  bool instruction;  // an instruction fetch
  bool from_user;    // false: the kernel touched user memory in user_copy
};
enum class FaultOutcome : std::uint8_t {
  Retry,   // mapped, or a signal is on its way: the instruction is started again after the return handler ran
  Failed,  // from user mode: goes to the exception handler; from user_copy: BadAddress
};

struct UserModeHandlers {
  // SYSCALL; number in frame.rax; the handler stores its result there. Interrupts are enabled.
  void (*system_call)(TrapFrame&) = nullptr;
  // Faults on user addresses, from user mode and from user_copy. Interrupts are enabled, it may sleep.
  FaultOutcome (*page_fault)(TrapFrame&, const PageFault&) = nullptr;
  // Every other exception from user mode (#DE #DB #BP #OF #BR #UD #NM #NP #SS #GP #AC #MF #XM, and int n): `vector` is
  // the processor's number; address is CR2 for #PF that failed, else 0. Interrupts are enabled, it may sleep.
  void (*exception)(TrapFrame&, std::uint8_t vector, std::uint64_t error_code, base::UserVa address) = nullptr;
  // Called before every return to user mode, at first with interrupts enabled; see kernel/threads, which installs its
  // own here and calls the personality's. Must leave interrupts disabled.
  void (*return_to_user)(TrapFrame&) = nullptr;
  // Called on every entry from user mode with interrupts disabled, before anything else (time accounting).
  void (*entered_from_user)() = nullptr;
};
UserModeHandlers& user_mode_handlers();

// Segments, flags and zeroed registers for a thread that starts at `entry` with this stack pointer.
TrapFrame initial_user_frame(base::UserVa entry, base::UserVa stack_pointer);

// Makes a frame that a user wrote (sigreturn, ptrace) harmless: user segments, IF on, IOPL 0, and of the flags only
// those a user may set. Returns false if rip is not a user address; it is then set to 0, so that the thread faults.
bool sanitize_user_frame(TrapFrame& frame);

// Goes to user mode through the return handler. The frame may lie anywhere in kernel memory.
[[noreturn]] void enter_user(TrapFrame& frame);

// The FS and GS base of user code, which it can change itself where FSGSBASE exists. set_: the address must be
// canonical and in the lower half, else false.
struct UserSegmentBases {
  std::uint64_t fs = 0;
  std::uint64_t gs = 0;
};
UserSegmentBases read_user_segment_bases();              // of the running thread, from the registers
void write_user_segment_bases(const UserSegmentBases&);  // into the registers; values were checked
bool is_valid_segment_base(std::uint64_t address);

// Once per core, after its GDT, TSS and per-core area are in place: SYSCALL, CR4.FSGSBASE, and the page-fault and
// exception routes.
void init_user_mode_on_this_core();

}  // namespace arch

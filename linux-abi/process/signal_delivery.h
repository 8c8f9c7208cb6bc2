// SPDX-License-Identifier: Apache-2.0
// Taking signals on the way back to user mode: stops, ends, handlers. Installed as the return-to-user hook.
#pragma once

#include "arch/x86_64/trap_frame.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {

// Before every return to user mode that found the thread interrupted. May sleep; may not return (the thread ends).
void deliver_signals(Thread& thread, arch::TrapFrame& frame);

// rt_sigreturn: the registers, mask and alternate stack from the frame that deliver_signals() left on the user stack.
// Returns the value for rax. A frame that cannot be read ends in SIGSEGV.
std::uint64_t return_from_handler(Thread& thread, arch::TrapFrame& frame);

}  // namespace linux_abi

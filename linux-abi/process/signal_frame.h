// SPDX-License-Identifier: Apache-2.0
// The frame that a signal handler finds on its stack: Linux's struct rt_sigframe for x86-64 (siginfo, ucontext with the
// registers in sigcontext's order, extended vector state), see <asm/sigcontext.h>, <asm/ucontext.h>.
#pragma once

#include "arch/x86_64/trap_frame.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {

// Writes the frame and sets the registers for the handler. EFAULT: the stack cannot take it (nothing changed).
Answer<> push_signal_frame(Thread& thread, arch::TrapFrame& frame, const SignalInformation& information,
                           const SignalAction& action, SignalSet old_mask);

struct RestoredContext {
  SignalSet mask;
  std::uint64_t rax = 0;
};
// The stack pointer is where the handler's return left it.
Answer<RestoredContext> pop_signal_frame(Thread& thread, arch::TrapFrame& frame);

}  // namespace linux_abi

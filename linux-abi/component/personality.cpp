// SPDX-License-Identifier: Apache-2.0
// Linux on top of the processor monitor: see personality.h. Which exception is which signal: signal(7) and Linux's
// behaviour on x86-64.
#include "linux-abi/component/personality.h"

#include <cstring>

#include "arch/x86_64/fpu.h"
#include "arch/x86_64/user_mode.h"
#include "kernel/threads/scheduler.h"
#include "linux-abi/calls/table.h"
#include "linux-abi/process/signal_delivery.h"
#include "linux-abi/process/signal_sending.h"

namespace linux_abi {
namespace {

using processor::FaultEnd;

// The first unmasked SSE exception: MXCSR is at byte 24 of the saved state.
int floating_point_code(Thread& thread) {
  std::uint32_t control = 0;
  const auto state = thread.kernel_thread().read_fpu().bytes();
  std::memcpy(&control, state.data() + 24, sizeof control);
  const std::uint32_t raised = control & ~(control >> 7) & 0x3f;
  if ((raised & 1) != 0) return sig::code::fpe_fltinv;
  if ((raised & 4) != 0) return sig::code::fpe_fltdiv;
  if ((raised & 8) != 0) return sig::code::fpe_fltovf;
  if ((raised & 0x12) != 0) return sig::code::fpe_fltund;
  if ((raised & 0x20) != 0) return sig::code::fpe_fltres;
  return sig::code::fpe_fltinv;
}

SignalInformation of_exception(Thread& thread, const arch::TrapFrame& frame, std::uint8_t vector,
                               base::UserVa address) {
  switch (vector) {
    case arch::vector::divide_error:
      return {.signal = sig::fpe, .code = sig::code::fpe_intdiv, .value = frame.rip};
    case arch::vector::debug:
      return {.signal = sig::trap, .code = sig::code::trap_trace, .value = frame.rip};
    case arch::vector::breakpoint:
      return {.signal = sig::trap, .code = sig::code::kernel};
    case arch::vector::invalid_opcode:
      return {.signal = sig::ill, .code = sig::code::ill_illopn, .value = frame.rip};
    case arch::vector::x87_error:
    case arch::vector::simd_error:
      return {.signal = sig::fpe, .code = floating_point_code(thread), .value = frame.rip};
    case arch::vector::alignment_check:
      return {.signal = sig::bus, .code = sig::code::bus_adraln};
    case arch::vector::stack_fault:
      return {.signal = sig::bus, .code = sig::code::kernel};
    case arch::vector::page_fault:
      return {.signal = sig::segv, .code = sig::code::segv_maperr, .value = address.value()};
    default:
      return {.signal = sig::segv, .code = sig::code::kernel};
  }
}

void on_exception(arch::TrapFrame& frame, std::uint8_t vector, std::uint64_t, base::UserVa address) {
  Thread& thread = Thread::current();
  const SignalInformation information = of_exception(thread, frame, vector, address);
  const base::SpinGuard guard(tasks_lock);
  force_signal_locked(thread, information);
}

// Who was off the core is told of the new one; a sequence that it was in starts over.
void on_switch(threads::Thread&, arch::TrapFrame& frame) {
  Thread& thread = Thread::current();
  if (update_sequences(thread, frame)) return;
  const base::SpinGuard guard(tasks_lock);
  force_signal_locked(thread, {.signal = sig::segv, .code = sig::code::kernel});
}

void on_return_to_user(threads::Thread&, arch::TrapFrame& frame) { deliver_signals(Thread::current(), frame); }

}  // namespace

void LinuxPersonality::fault_failed(processor::Thread& faulted, arch::TrapFrame&, FaultEnd end, base::UserVa address,
                                    bool from_user) {
  if (!from_user || end == FaultEnd::Resolved || end == FaultEnd::Killed) return;
  auto& thread = static_cast<Thread&>(faulted);
  const base::SpinGuard guard(tasks_lock);
  switch (end) {
    case FaultEnd::NotMapped:
    case FaultEnd::NotPermitted:
      force_signal_locked(thread, {.signal = sig::segv,
                                   .code = end == FaultEnd::NotMapped ? sig::code::segv_maperr : sig::code::segv_accerr,
                                   .value = address.value()});
      return;
    case FaultEnd::BeyondObject:
    case FaultEnd::Lost:
      force_signal_locked(thread, {.signal = sig::bus, .code = sig::code::bus_adrerr, .value = address.value()});
      return;
    default:
      start_group_exit_locked(thread.process(), {sig::code::cld_killed, sig::kill});
      return;
  }
}

void install_personality() {
  arch::UserModeHandlers& handlers = arch::user_mode_handlers();
  handlers.system_call = dispatch_call;
  handlers.exception = on_exception;
  threads::set_switch_hook(on_switch);
  threads::set_return_to_user_hook(on_return_to_user);
}

}  // namespace linux_abi

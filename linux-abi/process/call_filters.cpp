// SPDX-License-Identifier: Apache-2.0
// Asking filters about a call, and what comes of their answers: see call_filters.h and seccomp(2).
#include "linux-abi/process/call_filters.h"

#include <asm/unistd_64.h>
#include <linux/seccomp.h>

#include <algorithm>

#include "kernel/base/memory.h"
#include "linux-abi/process/core_dump.h"
#include "linux-abi/process/exit.h"
#include "linux-abi/process/signal_sending.h"
#include "linux-abi/process/tracing.h"

namespace linux_abi {
namespace {

constexpr int sys_seccomp = 1;  // si_code of SIGSYS

bool is_allowed_strictly(std::uint64_t number) {
  return number == __NR_read || number == __NR_write || number == __NR_exit || number == __NR_rt_sigreturn;
}

// The strictest answer, as a number with a sign; of several equal ones the newest filter's.
std::uint32_t ask(const CallFilter* filter, const CallData& call) {
  std::uint32_t strictest = SECCOMP_RET_ALLOW;
  for (; filter != nullptr; filter = filter->older.get()) {
    const std::uint32_t answer = run_filter(filter->program.span(), call);
    const auto rank = [](std::uint32_t each) { return static_cast<std::int32_t>(each & SECCOMP_RET_ACTION_FULL); };
    if (rank(answer) < rank(strictest)) strictest = answer;
  }
  return strictest;
}

SignalInformation of_call(const arch::TrapFrame& frame, std::uint64_t number, std::uint32_t data) {
  return {.signal = sig::sys,
          .error = static_cast<int>(data),
          .code = sys_seccomp,
          .value = frame.rip,
          .timer = static_cast<std::int32_t>(number),
          .overrun = static_cast<std::int32_t>(CallData{}.architecture)};
}

[[noreturn]] void end_process_by(Thread& thread, arch::TrapFrame& frame, const SignalInformation& information) {
  end_with_core(thread, frame, information);
  exit_thread(thread, 0);
}

void end_thread(Thread& thread, arch::TrapFrame& frame, const SignalInformation& information) {
  bool alone = false;
  {
    const base::SpinGuard guard(tasks_lock);
    alone = thread.process().live_threads == 1;
  }
  if (alone) end_process_by(thread, frame, information);
  exit_thread(thread, information.signal);
}

void refuse(arch::TrapFrame& frame, int error_number) {
  frame.rax = static_cast<std::uint64_t>(-static_cast<std::int64_t>(error_number));
}

// False: nobody traces it who wants to know; or the tracer wants the call not to be made.
bool ask_tracer(Thread& thread, arch::TrapFrame& frame, std::uint64_t& number, std::uint32_t data) {
  frame.error = number;
  refuse(frame, ENOSYS);
  if (!report_event(thread, trace_event::filter, data)) return false;
  number = frame.error;
  return number != ~std::uint64_t{0};
}

}  // namespace

void CallFilter::last_reference_gone() {
  // One after the other, however many there are.
  using Next = processor::Reference<CallFilter>;
  Next next = std::move(older);
  base::Own<CallFilter>(this).reset();
  while (next && processor::CountedReferences<CallFilter>::count(*next) == 1) {
    Next after = std::move(next->older);
    next = std::move(after);
  }
}

bool pass_filters(Thread& thread, arch::TrapFrame& frame, std::uint64_t& number) {
  processor::Reference<CallFilter> filter;
  {
    const base::SpinGuard guard(tasks_lock);
    if (thread.filters.mode == CallFilters::Mode::Filter) filter = thread.filters.newest;
  }
  if (!filter) {
    if (is_allowed_strictly(number)) return true;
    end_thread(thread, frame, {.signal = sig::kill, .code = sig::code::kernel});
  }
  CallData call{.number = static_cast<std::int32_t>(number), .instruction = frame.rip};
  call.arguments = {frame.rdi, frame.rsi, frame.rdx, frame.r10, frame.r8, frame.r9};
  const std::uint32_t answer = ask(filter.get(), call), data = answer & SECCOMP_RET_DATA;
  constexpr std::uint32_t most_errors = 4095;
  switch (answer & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
      return true;
    case SECCOMP_RET_ERRNO:
      refuse(frame, static_cast<int>(std::min(data, most_errors)));
      return false;
    case SECCOMP_RET_TRAP: {
      // The handler finds the registers as before the call.
      frame.rax = number;
      const base::SpinGuard guard(tasks_lock);
      force_signal_locked(thread, of_call(frame, number, data));
      return false;
    }
    case SECCOMP_RET_TRACE:
      return ask_tracer(thread, frame, number, data);
    case SECCOMP_RET_USER_NOTIF:
      refuse(frame, ENOSYS);
      return false;
    case SECCOMP_RET_KILL_THREAD:
      filter.reset();
      end_thread(thread, frame, of_call(frame, number, data));
      return false;
    default:
      filter.reset();
      end_process_by(thread, frame, of_call(frame, number, data));
  }
}

}  // namespace linux_abi

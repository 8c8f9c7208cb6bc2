// SPDX-License-Identifier: Apache-2.0
// Taking signals on the way back to user mode: see signal_delivery.h.
#include "linux-abi/process/signal_delivery.h"

#include <asm/unistd_64.h>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/console/program_launch.h"
#include "linux-abi/process/core_dump.h"
#include "linux-abi/process/exit.h"
#include "linux-abi/process/signal_frame.h"
#include "linux-abi/process/signal_sending.h"
#include "linux-abi/process/tracing.h"

namespace linux_abi {
namespace {

constexpr std::uint64_t syscall_instruction_bytes = 2;

// The interrupted call is made again: the instruction before rip is SYSCALL.
void restart_call(arch::TrapFrame& frame, std::uint64_t number) {
  frame.rip -= syscall_instruction_bytes;
  frame.rax = number;
}

// action: of the handler that runs; nullptr: none does.
void settle_restart(Thread& thread, arch::TrapFrame& frame, const SignalAction* action) {
  const int code = std::exchange(thread.restart_code, 0);
  if (code == 0) return;
  const std::uint64_t number = frame.error;  // of the call, as the entry left it
  if (action == nullptr) return restart_call(frame, code == restart_block ? __NR_restart_syscall : number);
  if (code == restart_always && (action->flags & sig::flag::restart) != 0) return restart_call(frame, number);
  frame.rax = static_cast<std::uint64_t>(-EINTR);
}

// With tasks_lock. A tracer may let a thread go on although its process is stopped.
bool stays_stopped_locked(const Thread& thread) {
  const Traced* traced = traced_of(thread);
  return thread.process().state == ProcessState::Stopped && (traced == nullptr || !traced->leaves_stop);
}

// Waits, stopped, until the process continues or ends, or a tracer lets it go on. The lock is not held.
void stay_stopped(Thread& thread, arch::TrapFrame& frame) {
  Process& process = thread.process();
  while (true) {
    if (thread.traced != nullptr && stop_if_asked(thread, frame)) continue;
    processor::Sleeper& sleeper = thread.sleeper();
    {
      const base::SpinGuard guard(tasks_lock);
      if (!stays_stopped_locked(thread) || process.group_exit) return;
      if (traced_of(thread) != nullptr) continue;
      process.state_changes.add(sleeper);
    }
    if (sleeper.sleep()) continue;
    const base::SpinGuard guard(tasks_lock);
    sleeper.unlink();
    return;
  }
}

void stop_process_locked(Process& process, int signal) {
  process.state = ProcessState::Stopped;
  process.reported = {sig::code::cld_stopped, signal};
  process.for_each_thread([signal](processor::Thread& each) {
    auto& thread = static_cast<Thread&>(each);
    if (Traced* traced = traced_of(thread)) traced->stop_signal = signal, traced->leaves_stop = false;
    thread.kernel_thread().interrupt();
  });
  tell_parent_locked(process, process.reported);
}

enum class Next : std::uint8_t { Again, Return, Leave, DumpCore };

// A process group whose members have no parent in another group of the session: its stops would be for ever.
bool is_orphaned_group(const Process& process) {
  for (PidEntry* entry = process.vnode().pids.next(0); entry != nullptr;
       entry = process.vnode().pids.next(entry->pid + 1)) {
    const Process* member = entry->process;
    if (member == nullptr || member->group != process.group || member->state == ProcessState::Zombie) continue;
    const Process* parent = member->parent;
    if (parent != nullptr && parent->group != member->group && parent->session == member->session) return false;
  }
  return true;
}

Next act_by_default_locked(Thread& thread, const SignalInformation& information) {
  Process& process = thread.process();
  switch (default_action(information.signal)) {
    case DefaultAction::Ignore:
    case DefaultAction::Continue:
      return Next::Again;
    case DefaultAction::Stop:
      if (information.signal != sig::stop && is_orphaned_group(process)) return Next::Again;
      stop_process_locked(process, information.signal);
      return Next::Again;
    case DefaultAction::DumpCore:
      return Next::DumpCore;
    case DefaultAction::Terminate:
      break;
  }
  start_group_exit_locked(process, {sig::code::cld_killed, information.signal});
  return Next::Leave;
}

// A tracer sees signals before anything comes of them.
enum class Taken : std::uint8_t { Nothing, Signal, Again, Leave };
Taken take_signal(Thread& thread, SignalInformation& information, bool& shown) {
  Process& process = thread.process();
  const base::SpinGuard guard(tasks_lock);
  if (process.group_exit || thread.kernel_thread().killed()) return Taken::Leave;
  if (stays_stopped_locked(thread)) return Taken::Again;
  information = thread.pending.take(~thread.blocked);
  if (information.signal == 0) information = process.pending.take(~thread.blocked);
  if (information.signal != 0) {
    shown = traced_of(thread) != nullptr;
    return Taken::Signal;
  }
  if (thread.saved_mask) thread.blocked = *std::exchange(thread.saved_mask, std::nullopt);
  recalculate_interrupt_locked(thread);
  return has_deliverable_locked(thread) ? Taken::Again : Taken::Nothing;
}

// A thread that is stepped stops before the first instruction of its handler.
void stop_in_handler(Thread& thread, arch::TrapFrame& frame) {
  {
    const base::SpinGuard guard(tasks_lock);
    const Traced* traced = traced_of(thread);
    if (traced == nullptr || !traced->steps) return;
  }
  (void)stop_for_tracer(thread, frame, sig::trap, {.signal = sig::trap, .code = sig::code::user});
}

// PTRACE_EVENT_EXIT of who is about to end by a signal: afterwards nothing stops any more.
void report_fatal(Thread& thread, int signal) {
  {
    const base::SpinGuard guard(tasks_lock);
    const SignalAction& action = thread.process().actions->actions.of(signal);
    const DefaultAction kind = default_action(signal);
    if (action.handler == SignalAction::ignored || action.has_handler()) return;
    if (kind != DefaultAction::Terminate && kind != DefaultAction::DumpCore) return;
  }
  (void)report_event(thread, trace_event::exit, static_cast<std::uint64_t>(signal));
}

Next act_on(Thread& thread, arch::TrapFrame& frame, const SignalInformation& information) {
  Process& process = thread.process();
  if (thread.traced != nullptr) report_fatal(thread, information.signal);
  SignalAction action;
  SignalSet old_mask;
  {
    const base::SpinGuard guard(tasks_lock);
    if (process.group_exit || thread.kernel_thread().killed()) return Next::Leave;
    action = process.actions->actions.of(information.signal);
    if (action.handler == SignalAction::ignored) return Next::Again;
    if (!action.has_handler()) return act_by_default_locked(thread, information);
    old_mask = thread.saved_mask ? *std::exchange(thread.saved_mask, std::nullopt) : thread.blocked;
    if ((action.flags & sig::flag::reset_hand) != 0) {
      SignalAction reset = action;
      reset.handler = SignalAction::by_default;
      process.actions->actions.set(information.signal, reset);
    }
    SignalSet mask = thread.blocked | SignalSet(action.mask);
    if ((action.flags & sig::flag::no_defer) == 0) mask.add(information.signal);
    thread.blocked = mask & ~unblockable;
  }
  settle_restart(thread, frame, &action);
  if (!leave_sequence(thread, frame) || !push_signal_frame(thread, frame, information, action, old_mask)) {
    const base::SpinGuard guard(tasks_lock);
    if (information.signal == sig::segv) process.actions->actions.set(sig::segv, {});
    force_signal_locked(thread, {.signal = sig::segv, .code = sig::code::kernel});
  } else {
    stop_in_handler(thread, frame);
  }
  return Next::Again;
}

// `information`: of the signal that was taken.
Next take_one(Thread& thread, arch::TrapFrame& frame, SignalInformation& information) {
  bool shown = false;
  switch (take_signal(thread, information, shown)) {
    case Taken::Leave:
      return Next::Leave;
    case Taken::Again:
      return Next::Again;
    case Taken::Nothing:
      return Next::Return;
    case Taken::Signal:
      break;
  }
  if (shown) information = show_signal(thread, frame, information);
  return information.signal == 0 ? Next::Again : act_on(thread, frame, information);
}

}  // namespace

void deliver_signals(Thread& thread, arch::TrapFrame& frame) {
  if (ProgramLaunch* launch = std::exchange(thread.program_to_start, nullptr)) launch->become_program(thread, frame);
  // A forked child's first way to user mode: its tid goes into its own memory (a bad address is ignored, as by Linux).
  if (thread.set_child_tid != 0)
    (void)arch::UserOut<std::int32_t>(std::exchange(thread.set_child_tid, 0)).write(thread.tid());
  while (true) {
    stay_stopped(thread, frame);
    SignalInformation information;
    switch (take_one(thread, frame, information)) {
      case Next::Again:
        continue;
      case Next::DumpCore:
        end_with_core(thread, frame, information);
        exit_thread(thread, 0);
      case Next::Leave:
        exit_thread(thread, 0);
      case Next::Return:
        settle_restart(thread, frame, nullptr);
        return;
    }
  }
}

std::uint64_t return_from_handler(Thread& thread, arch::TrapFrame& frame) {
  const auto restored = pop_signal_frame(thread, frame);
  const base::SpinGuard guard(tasks_lock);
  if (!restored) {
    force_signal_locked(thread, {.signal = sig::segv, .code = sig::code::kernel});
    return 0;
  }
  thread.blocked = restored->mask;
  recalculate_interrupt_locked(thread);
  return restored->rax;
}

}  // namespace linux_abi

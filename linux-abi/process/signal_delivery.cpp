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

// Waits, stopped, until the process continues or ends. The lock is not held.
void stay_stopped(Thread& thread) {
  Process& process = thread.process();
  while (true) {
    processor::Sleeper& sleeper = thread.sleeper();
    {
      const base::SpinGuard guard(tasks_lock);
      if (process.state != ProcessState::Stopped || process.group_exit) return;
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
  process.for_each_thread([](processor::Thread& thread) { thread.kernel_thread().interrupt(); });
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

// `information`: of the signal that was taken.
Next take_one(Thread& thread, arch::TrapFrame& frame, SignalInformation& information) {
  Process& process = thread.process();
  SignalAction action;
  SignalSet old_mask;
  {
    const base::SpinGuard guard(tasks_lock);
    if (process.group_exit || thread.kernel_thread().killed()) return Next::Leave;
    if (process.state == ProcessState::Stopped) return Next::Again;
    information = thread.pending.take(~thread.blocked);
    if (information.signal == 0) information = process.pending.take(~thread.blocked);
    if (information.signal == 0) {
      if (thread.saved_mask) thread.blocked = *std::exchange(thread.saved_mask, std::nullopt);
      recalculate_interrupt_locked(thread);
      return has_deliverable_locked(thread) ? Next::Again : Next::Return;
    }
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
  if (!push_signal_frame(thread, frame, information, action, old_mask)) {
    const base::SpinGuard guard(tasks_lock);
    if (information.signal == sig::segv) process.actions->actions.set(sig::segv, {});
    force_signal_locked(thread, {.signal = sig::segv, .code = sig::code::kernel});
  }
  return Next::Again;
}

}  // namespace

void deliver_signals(Thread& thread, arch::TrapFrame& frame) {
  if (ProgramLaunch* launch = std::exchange(thread.program_to_start, nullptr)) launch->become_program(thread, frame);
  // A forked child's first way to user mode: its tid goes into its own memory (a bad address is ignored, as by Linux).
  if (thread.set_child_tid != 0)
    (void)arch::UserOut<std::int32_t>(std::exchange(thread.set_child_tid, 0)).write(thread.tid());
  while (true) {
    stay_stopped(thread);
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

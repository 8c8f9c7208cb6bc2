// SPDX-License-Identifier: Apache-2.0
// Sending signals: see signal_sending.h.
#include "linux-abi/process/signal_sending.h"

#include "kernel/threads/scheduler.h"
#include "linux-abi/process/signal_arrival.h"
#include "linux-abi/process/tracing.h"

namespace linux_abi {
namespace {

template <typename Visitor>
void for_each(Process& process, Visitor&& visitor) {
  process.for_each_thread([&](processor::Thread& thread) { visitor(static_cast<Thread&>(thread)); });
}

void discard_everywhere(Process& process, SignalSet signals) {
  process.pending.discard(signals);
  for_each(process, [&](Thread& thread) { thread.pending.discard(signals); });
}

void continue_locked(Process& process) {
  discard_everywhere(process, stop_signals);
  if (process.state != ProcessState::Stopped) return;
  process.state = ProcessState::Running;
  process.reported = {sig::code::cld_continued, sig::cont};
  process.state_changes.wake_all();
  tell_parent_locked(process, process.reported);
}

// What has to happen at once, whether or not the signal is then kept.
void prepare_locked(Process& process, int signal) {
  if (stop_signals.contains(signal)) discard_everywhere(process, SignalSet::of(sig::cont));
  if (signal != sig::cont) return;
  continue_locked(process);
  // Who was seized by a tracer stops to tell of it.
  for_each(process, [](Thread& thread) {
    Traced* traced = traced_of(thread);
    if (traced == nullptr || !traced->seized) return;
    traced->interrupt = true;
    thread.kernel_thread().interrupt();
  });
}

// A tracer sees ignored signals too, and who waits for a signal that it has blocked gets it.
bool vanishes(const Thread& thread, int signal) {
  return !thread.blocked.contains(signal) && !thread.awaited.contains(signal) && traced_of(thread) == nullptr &&
         thread.process().actions->actions.ignores(signal);
}

void kill_locked(Process& process) { start_group_exit_locked(process, {sig::code::cld_killed, sig::kill}); }

}  // namespace

bool has_deliverable_locked(const Thread& thread) {
  const SignalSet pending = thread.pending.set() | thread.process().pending.set();
  return !(pending & ~thread.blocked).empty();
}

void recalculate_interrupt_locked(Thread& thread) {
  const Process& process = thread.process();
  if (has_deliverable_locked(thread) || process.group_exit || process.state == ProcessState::Stopped)
    thread.kernel_thread().interrupt();
  else
    thread.kernel_thread().clear_interrupt();
}

void start_group_exit_locked(Process& process, WaitStatus status, const Thread* spared) {
  if (!process.group_exit) {
    process.group_exit = true;
    process.ended = status;
  }
  if (process.state == ProcessState::Stopped) process.state = ProcessState::Running;
  process.state_changes.wake_all();
  for_each(process, [spared](Thread& thread) {
    if (&thread != spared) thread.kernel_thread().kill();
  });
}

Answer<> send_to_process_locked(Process& process, const SignalInformation& information) {
  const int signal = information.signal;
  if (signal == 0 || process.state == ProcessState::Zombie || process.group_exit) return {};
  prepare_locked(process, signal);
  if (signal == sig::kill) {
    kill_locked(process);
    return {};
  }
  // The main thread if it takes the signal, else any that does; blocked by all: it waits for a change of mask.
  Thread* taker = nullptr;
  bool blocked_by_all = true, kept = false;
  for_each(process, [&](Thread& thread) {
    kept = kept || traced_of(thread) != nullptr || thread.awaited.contains(signal);
    if (thread.exiting || thread.blocked.contains(signal)) return;
    blocked_by_all = false;
    if (taker == nullptr || thread.is_leader) taker = &thread;
  });
  if (!blocked_by_all && !kept && process.actions->actions.ignores(signal)) return {};
  TRY(process.pending.add(information, process.limits.of(Resource::PendingSignals).soft));
  signal_arrival.tell_locked();
  if (taker != nullptr) taker->kernel_thread().interrupt();
  return {};
}

Answer<> send_to_thread_locked(Thread& thread, const SignalInformation& information) {
  const int signal = information.signal;
  Process& process = thread.process();
  if (signal == 0 || thread.exiting || process.group_exit) return {};
  prepare_locked(process, signal);
  if (signal == sig::kill) {
    kill_locked(process);
    return {};
  }
  if (vanishes(thread, signal)) return {};
  TRY(thread.pending.add(information, process.limits.of(Resource::PendingSignals).soft));
  signal_arrival.tell_locked();
  if (!thread.blocked.contains(signal)) thread.kernel_thread().interrupt();
  return {};
}

Answer<> send_to_group_locked(VNode& vnode, int group, const SignalInformation& information) {
  bool found = false;
  for (PidEntry* entry = vnode.pids.next(0); entry != nullptr; entry = vnode.pids.next(entry->pid + 1)) {
    Process* process = entry->process;
    if (process == nullptr || process->group == nullptr || process->group->pid != group) continue;
    found = true;
    // One that cannot keep it (a full queue) does not keep the others from it.
    (void)send_to_process_locked(*process, information);
  }
  if (!found) return error(ESRCH);
  return {};
}

void force_signal_locked(Thread& thread, const SignalInformation& information) {
  const int signal = information.signal;
  SignalActions& actions = thread.process().actions->actions;
  const SignalAction& action = actions.of(signal);
  if (thread.blocked.contains(signal) || action.handler == SignalAction::ignored) {
    actions.set(signal, {});
    thread.blocked.remove(signal);
  }
  (void)thread.pending.add(information);  // an ordinary signal: it is at least kept without information
  thread.kernel_thread().interrupt();
}

void tell_parent_locked(Process& process, WaitStatus status) {
  Process* parent = process.parent;
  if (parent == nullptr) return;
  const bool about_end = status.code == sig::code::cld_exited || status.code == sig::code::cld_killed ||
                         status.code == sig::code::cld_dumped;
  const int signal = about_end ? process.exit_signal : sig::chld;
  const SignalAction& action = parent->actions->actions.of(sig::chld);
  const bool quiet = !about_end && (action.flags & sig::flag::no_child_stop) != 0;
  if (signal != 0 && !quiet) {
    (void)send_to_process_locked(*parent,
                                 {.signal = signal,
                                  .code = status.code,
                                  .pid = process.pid(),
                                  .value = static_cast<std::uint64_t>(static_cast<std::uint32_t>(status.value))});
  }
  parent->child_events.wake_all();
}

bool may_signal(const Credentials& sender, const Process& sender_process, const Process& target, int signal) {
  if (sender.may(Capability::Kill)) return true;
  if (signal == sig::cont && sender_process.session == target.session) return true;
  bool allowed = false;
  const_cast<Process&>(target).for_each_thread([&](processor::Thread& thread) {
    const Credentials& user = static_cast<Thread&>(thread).user;
    allowed = allowed || sender.effective_uid == user.uid || sender.effective_uid == user.saved_uid ||
              sender.uid == user.uid || sender.uid == user.saved_uid;
  });
  return allowed;
}

}  // namespace linux_abi

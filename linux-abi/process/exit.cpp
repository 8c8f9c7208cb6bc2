// SPDX-License-Identifier: Apache-2.0
// How threads and processes end: see exit.h.
#include "linux-abi/process/exit.h"

#include "kernel/base/memory.h"
#include "linux-abi/console/launch.h"
#include "linux-abi/console/terminal.h"
#include "linux-abi/files/aio_contexts.h"
#include "linux-abi/futex/thread_end.h"
#include "linux-abi/process/core_dump.h"
#include "linux-abi/process/process_ends.h"
#include "linux-abi/process/signal_sending.h"
#include "linux-abi/process/tracing.h"
#include "linux-abi/process/usage.h"
#include "linux-abi/time/interval_timers.h"

namespace linux_abi {
namespace {

// Processes to delete once the lock is released.
using Finished = base::Array<Process*>;

void remember(Finished& finished, Process& process) {
  // Without memory for the list the process stays as garbage of a few hundred bytes: no reason to crash.
  if (!finished.push_back(&process)) return;
}

Process* new_parent_of(Process& process) {
  for (Process* ancestor = process.parent; ancestor != nullptr; ancestor = ancestor->parent)
    if (ancestor->child_subreaper && ancestor->live_threads > 0) return ancestor;
  return nullptr;
}

void hand_over_children_locked(Process& process, Finished& finished) {
  Process* heir = new_parent_of(process);
  while (!process.children.empty()) {
    Process& child = process.children.front();
    process.children.pop_front();
    child.parent = heir;
    child.exit_signal = sig::chld;  // the heir did not choose another
    if (child.parent_death_signal != 0)
      (void)send_to_process_locked(child, {.signal = child.parent_death_signal, .code = sig::code::kernel});
    if (heir != nullptr) {
      heir->children.push_back(child);
      if (child.state == ProcessState::Zombie) tell_parent_locked(child, child.ended);
    } else if (child.state == ProcessState::Zombie && reap_locked(child)) {
      remember(finished, child);
    }
  }
}

bool parent_does_not_wait(const Process& process) {
  if (process.parent == nullptr) return true;
  const SignalAction& action = process.parent->actions->actions.of(sig::chld);
  return process.exit_signal == sig::chld &&
         (action.handler == SignalAction::ignored || (action.flags & sig::flag::no_child_wait) != 0);
}

// Stopped processes of a group that nobody of their session outside it looks after: nobody could continue them.
void wake_orphaned_group_locked(VNode& vnode, const Process& leaving) {
  bool any_stopped = false;
  for (PidEntry* entry = vnode.pids.next(0); entry != nullptr; entry = vnode.pids.next(entry->pid + 1)) {
    const Process* member = entry->process;
    if (member == nullptr || member == &leaving || member->group != leaving.group) continue;
    const Process* parent = member->parent;
    if (parent != nullptr && parent != &leaving && parent->group != member->group && parent->session == member->session)
      return;
    any_stopped = any_stopped || member->state == ProcessState::Stopped;
  }
  if (!any_stopped) return;
  const int group = leaving.group->pid;
  (void)send_to_group_locked(vnode, group, {.signal = sig::hup, .code = sig::code::kernel});
  (void)send_to_group_locked(vnode, group, {.signal = sig::cont, .code = sig::code::kernel});
}

// What the process has and tasks_lock does not guard the end of; the last thread only.
void let_go_of_files(Process& process) {
  AioContext::process_ended(process.serial());
  process.descriptors->process_ended(process.serial());
  process.replace(process.descriptors, {});
  // What it sent and nobody can receive any more is not kept until the next socket ends.
  process.vnode().unix_sockets->collect_garbage();
  process.replace(process.files, {});
  process.replace(process.program, {});
}

std::uint64_t encoded_exit(int status) {
  return static_cast<std::uint64_t>(WaitStatus{sig::code::cld_exited, status}.encoded());
}

void end_process(Thread& thread) {
  Process& process = thread.process();
  if (process.timers != nullptr) process.timers->stop();
  let_go_of_files(process);
  process.vnode().ipc.semaphores.process_ended({process.serial(), process.pid()});
  keep_most_resident(process);
  process.release_space();
  Finished finished;
  Launch* launch = nullptr;
  {
    const base::SpinGuard guard(tasks_lock);
    release_vfork_parent_locked(process);
    let_go_of_all_locked(process);
    hand_over_children_locked(process, finished);
    if (process.session == process.pid_entry && process.terminal != nullptr)
      process.terminal->session_ended_locked(process);
    wake_orphaned_group_locked(process.vnode(), process);
    process.state = ProcessState::Zombie;
    process.pending.discard(SignalSet::all());
    process_ends.notify(0);
    launch = process.launch;
    const bool quiet = parent_does_not_wait(process);
    tell_parent_locked(process, process.ended);
    // Not deleted here: this thread is of it. Thread::gone() does that.
    if (quiet) (void)reap_locked(process);
  }
  for (Process* ended : finished) base::Own<Process>(ended).reset();
  if (launch != nullptr) launch->process_ended(process);
}

}  // namespace

bool reap_locked(Process& process) {
  if (process.parent != nullptr) {
    process.parent->children.erase(process.parent->children.iterator_to(process));
    process.parent = nullptr;
  }
  Pids& pids = process.vnode().pids;
  process.pid_entry->process = nullptr;
  pids.release(*process.group);
  pids.release(*process.session);
  pids.release(*process.pid_entry);
  process.reaped = true;
  return process.finished();
}

void release_vfork_parent_locked(Process& child) {
  if (!child.vfork_child) return;
  child.vfork_child = false;
  if (child.parent != nullptr) child.parent->state_changes.wake_all();
}

void exit_thread(Thread& thread, int status) {
  Process& process = thread.process();
  (void)report_event(thread, trace_event::exit, encoded_exit(status));
  const bool dumped = wait_for_core_dump(thread);
  release_futexes_at_thread_end(thread);
  bool last = false;
  {
    const base::SpinGuard guard(tasks_lock);
    thread.exiting = true;
    if (!dumped) leave_core_dump_locked(process);
    const threads::ThreadTimes times = thread.kernel_thread().times();
    process.ended_threads_times.add({times.user_ns, times.system_ns});
    if (thread.is_leader) process.ended_scheduling = thread.scheduling;
    if (!process.group_exit && (thread.is_leader || process.ended.code == 0))
      process.ended = {sig::code::cld_exited, status};
    trace_ended_locked(thread, process.group_exit ? process.ended : WaitStatus{sig::code::cld_exited, status});
    thread.pid_entry->thread = nullptr;
    if (thread.pid_entry != process.pid_entry) process.vnode().pids.release(*thread.pid_entry);
    last = --process.live_threads == 0;
    process.state_changes.wake_all();
  }
  if (last) end_process(thread);
  thread.exit();
}

void exit_process(Thread& thread, int status) {
  (void)report_event(thread, trace_event::exit, encoded_exit(status));
  {
    const base::SpinGuard guard(tasks_lock);
    start_group_exit_locked(thread.process(), {sig::code::cld_exited, status});
  }
  exit_thread(thread, status);
}

Answer<> become_only_thread(Thread& thread) {
  Process& process = thread.process();
  {
    const base::SpinGuard guard(tasks_lock);
    if (process.group_exit || process.executing) return error(EAGAIN);
    process.executing = true;
    process.for_each_thread([&](processor::Thread& other) {
      if (&other != &thread) other.kernel_thread().kill();
    });
  }
  while (true) {
    processor::Sleeper& sleeper = thread.sleeper();
    {
      const base::SpinGuard guard(tasks_lock);
      if (process.live_threads == 1) {
        process.executing = false;
        // A thread that execs becomes the leader, with the process's pid.
        if (thread.pid_entry != process.pid_entry) {
          process.vnode().pids.release(*thread.pid_entry);
          thread.pid_entry = process.pid_entry;
          thread.pid_entry->thread = &thread;
        }
        thread.is_leader = true;
        return {};
      }
      process.state_changes.add(sleeper);
    }
    if (sleeper.sleep()) continue;
    const base::SpinGuard guard(tasks_lock);
    sleeper.unlink();
    process.executing = false;
    return error(EINTR);
  }
}

}  // namespace linux_abi

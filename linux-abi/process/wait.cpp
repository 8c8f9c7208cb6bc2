// SPDX-License-Identifier: Apache-2.0
// Waiting for children: see wait.h.
#include "linux-abi/process/wait.h"

#include <algorithm>

#include "kernel/base/memory.h"
#include "linux-abi/process/exit.h"
#include "linux-abi/process/tracing.h"
#include "linux-abi/process/usage.h"
#include "processor/address_space.h"

namespace linux_abi {
namespace {

bool is_meant(const Thread& waiter, int pid, int group, const WaitRequest& request) {
  switch (request.whom) {
    case WaitFor::Any:
      return true;
    case WaitFor::Pid:
      return pid == request.number;
    case WaitFor::Group:
      return group == (request.number == 0 ? waiter.process().group->pid : request.number);
  }
  return false;
}

// Whom the waiter traces it waits for whatever kind of child that is.
bool is_traced_by(const Thread& waiter, const Process& child) {
  const Thread* leader = child.pid_entry->thread;
  const Traced* traced = leader == nullptr ? nullptr : traced_of(*leader);
  return traced != nullptr && traced->tracer == &waiter.process();
}

bool matches(const Thread& waiter, const Process& child, const WaitRequest& request) {
  const bool clone_child = child.exit_signal != sig::chld;
  if (!request.all_kinds && clone_child != request.clone_only && !is_traced_by(waiter, child)) return false;
  return is_meant(waiter, child.pid(), child.group->pid, request);
}

struct Look {
  bool any_child = false;
  bool found = false;
  WaitResult result;
  processor::Reference<processor::AddressSpace> space;  // of one that has not ended; let go of without the lock
  Process* to_delete = nullptr;
};

// What wait4(2) tells of a child: its own processor time and that of the children it has waited for.
ProcessTimes whole_times_locked(Process& child) {
  ProcessTimes times = child.state == ProcessState::Zombie ? child.ended_threads_times : times_of_locked(child);
  times.add(child.children_times);
  return times;
}

bool reports_change(const Process& child, const WaitRequest& request) {
  return (child.reported.code == sig::code::cld_stopped && request.stopped) ||
         (child.reported.code == sig::code::cld_continued && request.continued);
}

// Threads that stopped for the waiter, their tracer, or ended.
bool look_at_traced_locked(Thread& waiter, const WaitRequest& request, Look& look) {
  for (Traced* traced = waiter.process().traced; traced != nullptr; traced = traced->next) {
    const bool ended = traced->state == Traced::State::Ended;
    const int tid = ended ? traced->entry->pid : traced->thread->tid();
    if (!is_meant(waiter, tid, ended ? traced->group : traced->thread->process().group->pid, request)) continue;
    look.any_child = true;
    if (ended ? !request.exited : traced->state != Traced::State::Stopped || traced->told) continue;
    look.found = true;
    look.result.pid = tid;
    look.result.status = ended ? traced->ended : WaitStatus{sig::code::cld_trapped, traced->code};
    if (!ended) look.result.times = whole_times_locked(traced->thread->process());
    if (request.keep) return true;
    traced->told = true;
    if (!ended) return true;
    waiter.process().vnode().pids.release(*traced->entry);
    let_go_locked(*traced, 0);
    return true;
  }
  return false;
}

Look look_locked(Thread& waiter, const WaitRequest& request) {
  Look look;
  if (look_at_traced_locked(waiter, request, look)) return look;
  for (Process& child : waiter.process().children) {
    if (!matches(waiter, child, request)) continue;
    look.any_child = true;
    const bool ended = child.state == ProcessState::Zombie && request.exited;
    if (!ended && (is_traced_by(waiter, child) || !reports_change(child, request))) continue;
    look.found = true;
    look.result.pid = child.pid();
    look.result.status = ended ? child.ended : child.reported;
    look.result.times = whole_times_locked(child);
    look.result.most_resident = std::max(child.most_resident, child.children_most_resident);
    look.space = child.share_space();
    if (request.keep) return look;
    if (!ended) {
      child.reported = {};
    } else {
      // Only who was waited for counts among the children.
      waiter.process().children_times.add(look.result.times);
      std::uint64_t& most = waiter.process().children_most_resident;
      most = std::max(most, look.result.most_resident);
      if (reap_locked(child)) look.to_delete = &child;
    }
    return look;
  }
  return look;
}

}  // namespace

Answer<WaitResult> wait_for_child(Thread& thread, const WaitRequest& request) {
  Look look;
  const auto ready = [&] {
    look = look_locked(thread, request);
    return look.found || !look.any_child || request.no_hang;
  };
  const Answer<> waited = wait_until(thread, tasks_lock, thread.process().child_events, base::never_ns, ready);
  base::Own<Process>(look.to_delete).reset();
  if (!waited) return std::unexpected(waited.error());
  if (!look.any_child) return error(ECHILD);
  if (look.space)
    look.result.most_resident = std::max(look.result.most_resident, processor::usage(*look.space).most_resident);
  return look.result;
}

}  // namespace linux_abi

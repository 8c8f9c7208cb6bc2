// SPDX-License-Identifier: Apache-2.0
// What getpriority, ioprio_get and their siblings name by a kind and a number, and sched_* by tids: threads, and the
// vNode's init, which has none.
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi {

struct NamedTask {
  Thread* thread;  // nullptr: the init
  const Credentials& user;
  Scheduling& scheduling;
  const Limits& limits;
  int& io_priority;

  static NamedTask of(Thread& thread) {
    return {&thread, thread.user, thread.scheduling, thread.process().limits, thread.io_priority};
  }
  static NamedTask of(Init& init) { return {nullptr, init.user, init.scheduling, init.limits, init.io_priority}; }

  void schedule(const Scheduling& wanted) const {
    scheduling = wanted;
    if (thread != nullptr) scheduling.apply(thread->kernel_thread());
  }
};

// The one with this tid, 0: the caller; ESRCH. tasks_lock is held.
inline Answer<NamedTask> find_task_locked(Call& call, int tid) {
  if (tid < 0) return error(EINVAL);
  if (tid == 0) return NamedTask::of(call.thread);
  VNode& vnode = call.process().vnode();
  if (tid == kernel_pid) return NamedTask::of(vnode.init);
  const PidEntry* entry = vnode.pids.find(tid);
  if (entry == nullptr || entry->thread == nullptr) return error(ESRCH);
  return NamedTask::of(*entry->thread);
}

// Whose scheduling may be changed without CAP_SYS_NICE: the thread's real or effective user is the caller's effective
// one.
inline bool owns_locked(const Credentials& user, const NamedTask& task) {
  return user.effective_uid == task.user.uid || user.effective_uid == task.user.effective_uid;
}

// RLIMIT_NICE allows it.
bool may_be_nice_locked(const NamedTask& task, int nice);

// Calls visitor(const NamedTask&) -> Answer<> for each that (which, who) names; ESRCH if there is none.
template <typename Visitor>
Answer<> for_each_named_locked(Call& call, int which, int who, Visitor&& visitor) {
  constexpr int process = 0, group = 1, user = 2;
  if (which < process || which > user) return error(EINVAL);
  bool found = false;
  const auto visit = [&](const NamedTask& task, int pid, int group_pid) -> Answer<> {
    const bool named = which == process ? (who == 0 ? task.thread == &call.thread : pid == who)
                       : which == group
                           ? group_pid == (who == 0 ? call.process().group->pid : who)
                           : task.user.uid == (who == 0 ? call.thread.user.uid : static_cast<std::uint32_t>(who));
    if (!named) return {};
    found = true;
    return visitor(task);
  };
  VNode& vnode = call.process().vnode();
  TRY(visit(NamedTask::of(vnode.init), kernel_pid, kernel_pid));
  for (PidEntry* entry = vnode.pids.next(0); entry != nullptr; entry = vnode.pids.next(entry->pid + 1))
    if (Thread* thread = entry->thread) TRY(visit(NamedTask::of(*thread), entry->pid, thread->process().group->pid));
  if (!found) return error(ESRCH);
  return {};
}

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Pids, process groups and sessions: see calls_identity.h.
#include "linux-abi/calls/calls_identity.h"

namespace linux_abi::calls {
namespace {

// The process with this pid, 0: the caller; ESRCH. tasks_lock is held.
Answer<Process*> find_process_locked(Call& call, int pid) {
  if (pid == 0) return &call.process();
  const PidEntry* entry = call.process().vnode().pids.find(pid);
  if (entry == nullptr || entry->process == nullptr) return error(ESRCH);
  return entry->process;
}

struct GroupAndSession {
  int group, session;
};
// Of the process with this pid, 0: the caller; ESRCH. tasks_lock is held.
Answer<GroupAndSession> whereabouts_locked(Call& call, int pid) {
  if (pid == kernel_pid) return GroupAndSession{kernel_pid, kernel_pid};
  const Process* process = TRY(find_process_locked(call, pid));
  return GroupAndSession{process->group->pid, process->session->pid};
}

void move_to_group_locked(Pids& pids, Process& process, PidEntry& group) {
  pids.retain(group);
  pids.release(*std::exchange(process.group, &group));
}

bool group_is_in_session(Pids& pids, const PidEntry& group, const PidEntry* session) {
  for (PidEntry* entry = pids.next(0); entry != nullptr; entry = pids.next(entry->pid + 1))
    if (entry->process != nullptr && entry->process->group == &group && entry->process->session == session) return true;
  return false;
}

}  // namespace

Answer<std::uint64_t> getpid(Call& call) { return static_cast<std::uint64_t>(call.process().pid()); }
Answer<std::uint64_t> gettid(Call& call) { return static_cast<std::uint64_t>(call.thread.tid()); }

Answer<std::uint64_t> getppid(Call& call) {
  const base::SpinGuard guard(tasks_lock);
  return static_cast<std::uint64_t>(call.process().parent_pid());
}

Answer<std::uint64_t> getpgid(Call& call) {
  const base::SpinGuard guard(tasks_lock);
  return static_cast<std::uint64_t>(TRY(whereabouts_locked(call, Call::as_int(call.a()))).group);
}

Answer<std::uint64_t> getpgrp(Call& call) {
  const base::SpinGuard guard(tasks_lock);
  return static_cast<std::uint64_t>(call.process().group->pid);
}

Answer<std::uint64_t> getsid(Call& call) {
  const base::SpinGuard guard(tasks_lock);
  return static_cast<std::uint64_t>(TRY(whereabouts_locked(call, Call::as_int(call.a()))).session);
}

Answer<std::uint64_t> setpgid(Call& call) {
  const int wanted = Call::as_int(call.b());
  if (wanted < 0) return error(EINVAL);
  const base::SpinGuard guard(tasks_lock);
  Pids& pids = call.process().vnode().pids;
  Process* process = TRY(find_process_locked(call, Call::as_int(call.a())));
  Process& caller = call.process();
  if (process != &caller) {
    if (process->parent != &caller) return error(ESRCH);
    if (process->session != caller.session) return error(EPERM);
    if (process->has_executed) return error(EACCES);
  }
  if (process->session == process->pid_entry) return error(EPERM);  // a session's leader
  const int group = wanted == 0 ? process->pid() : wanted;
  if (group == process->pid()) {
    move_to_group_locked(pids, *process, *process->pid_entry);
    return std::uint64_t{0};
  }
  PidEntry* entry = pids.find(group);
  if (entry == nullptr || !group_is_in_session(pids, *entry, caller.session)) return error(EPERM);
  move_to_group_locked(pids, *process, *entry);
  return std::uint64_t{0};
}

Answer<std::uint64_t> setsid(Call& call) {
  const base::SpinGuard guard(tasks_lock);
  Process& process = call.process();
  Pids& pids = process.vnode().pids;
  PidEntry& own = *process.pid_entry;
  for (PidEntry* entry = pids.next(0); entry != nullptr; entry = pids.next(entry->pid + 1))
    if (entry->process != nullptr && entry->process->group == &own) return error(EPERM);
  move_to_group_locked(pids, process, own);
  pids.retain(own);
  pids.release(*std::exchange(process.session, &own));
  process.terminal = nullptr;
  return static_cast<std::uint64_t>(own.pid);
}

}  // namespace linux_abi::calls

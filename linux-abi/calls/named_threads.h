// SPDX-License-Identifier: Apache-2.0
// The threads that getpriority, ioprio_get and their siblings name by a kind and a number, and sched_* by their tids.
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi {

// The thread with this tid, 0: the caller; ESRCH. tasks_lock is held.
inline Answer<Thread*> find_thread_locked(Call& call, int tid) {
  if (tid < 0) return error(EINVAL);
  if (tid == 0) return &call.thread;
  const PidEntry* entry = call.process().vnode().pids.find(tid);
  if (entry == nullptr || entry->thread == nullptr) return error(ESRCH);
  return entry->thread;
}

// Whose scheduling may be changed without CAP_SYS_NICE: the thread's real or effective user is the caller's effective
// one.
inline bool owns_locked(const Credentials& user, const Thread& thread) {
  return user.effective_uid == thread.user.uid || user.effective_uid == thread.user.effective_uid;
}

// RLIMIT_NICE allows it.
bool may_be_nice_locked(const Thread& thread, int nice);

// Calls visitor(Thread&) -> Answer<> for each thread that (which, who) names; ESRCH if there is none.
template <typename Visitor>
Answer<> for_each_named_locked(Call& call, int which, int who, Visitor&& visitor) {
  constexpr int process = 0, group = 1, user = 2;
  if (which < process || which > user) return error(EINVAL);
  bool found = false;
  Pids& pids = call.process().vnode().pids;
  for (PidEntry* entry = pids.next(0); entry != nullptr; entry = pids.next(entry->pid + 1)) {
    Thread* thread = entry->thread;
    if (thread == nullptr) continue;
    const bool named = which == process ? (who == 0 ? thread == &call.thread : entry->pid == who)
                       : which == group
                           ? thread->process().group->pid == (who == 0 ? call.process().group->pid : who)
                           : thread->user.uid == (who == 0 ? call.thread.user.uid : static_cast<std::uint32_t>(who));
    if (!named) continue;
    found = true;
    TRY(visitor(*thread));
  }
  if (!found) return error(ESRCH);
  return {};
}

}  // namespace linux_abi

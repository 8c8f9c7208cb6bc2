// SPDX-License-Identifier: Apache-2.0
// Who may look into another process or change it (ptrace(2), "access mode checking"): its memory, files, lists of
// locks.
#pragma once

#include "linux-abi/process/thread.h"

namespace linux_abi {

// With tasks_lock. Of the same user and group throughout, and a process that lets itself be looked at; or
// CAP_SYS_PTRACE.
inline bool may_inspect_locked(const Thread& by, const Thread& target) {
  if (&by.process() == &target.process()) return true;
  const Credentials &own = by.user, &other = target.user;
  const bool same = own.uid == other.uid && own.uid == other.effective_uid && own.uid == other.saved_uid &&
                    own.gid == other.gid && own.gid == other.effective_gid && own.gid == other.saved_gid;
  return (same && target.process().dumpable != 0) || own.may(Capability::Trace);
}

}  // namespace linux_abi

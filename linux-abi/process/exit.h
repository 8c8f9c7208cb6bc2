// SPDX-License-Identifier: Apache-2.0
// How threads and processes end.
#pragma once

#include "linux-abi/process/thread.h"

namespace linux_abi {

// The running thread leaves; the last one of a process ends it. Only in its own context, no lock held.
[[noreturn]] void exit_thread(Thread& thread, int status);
// exit_group: all threads leave.
[[noreturn]] void exit_process(Thread& thread, int status);

// A zombie was waited for (or nobody will): gives its pids back. True: delete it, once tasks_lock is released.
bool reap_locked(Process& process);
// execve by one of several threads: the others leave; EAGAIN when the process is ending or another thread was first.
Answer<> become_only_thread(Thread& thread);
// A vfork parent goes on.
void release_vfork_parent_locked(Process& child);

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Sending signals, with Linux's rules: stops and continues cancel one another, ignored signals vanish, SIGKILL ends
// every thread, and somebody is woken who will take it.
#pragma once

#include "linux-abi/process/process.h"
#include "linux-abi/process/thread.h"
#include "linux-abi/signals/information.h"

namespace linux_abi {

// All with tasks_lock held. They never sleep.
Answer<> send_to_process_locked(Process& process, const SignalInformation& information);
Answer<> send_to_thread_locked(Thread& thread, const SignalInformation& information);
// Everybody in the group. NotFound (ESRCH) if nobody is in it.
Answer<> send_to_group_locked(VNode& vnode, int group, const SignalInformation& information);
// A fault of the running thread: cannot be blocked or ignored; then the process ends by it.
void force_signal_locked(Thread& thread, const SignalInformation& information);
// The whole process is to end so.
void start_group_exit_locked(Process& process, WaitStatus status, const Thread* spared = nullptr);
// To the parent: SIGCHLD (or the clone's signal) about a stop, continue or end.
void tell_parent_locked(Process& process, WaitStatus status);

// Whether the sender may signal the target (kill(2)).
bool may_signal(const Credentials& sender, const Process& sender_process, const Process& target, int signal);

// Signals that would do something now if user mode were entered.
bool has_deliverable_locked(const Thread& thread);
// Sets the thread's interrupt flag from its pending signals (after a change of its mask).
void recalculate_interrupt_locked(Thread& thread);

}  // namespace linux_abi

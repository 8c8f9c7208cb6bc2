// SPDX-License-Identifier: Apache-2.0
// Processor time of a process: see usage.h.
#include "linux-abi/process/usage.h"

#include "linux-abi/process/thread.h"

namespace linux_abi {

ProcessTimes times_of_locked(Process& process) {
  ProcessTimes times = process.ended_threads_times;
  process.for_each_thread([&](processor::Thread& thread) {
    if (static_cast<Thread&>(thread).exiting) return;  // counted already
    const threads::ThreadTimes own = thread.kernel_thread().times();
    times.add({own.user_ns, own.system_ns});
  });
  return times;
}

ProcessTimes times_of(Process& process) {
  const base::SpinGuard guard(tasks_lock);
  return times_of_locked(process);
}

}  // namespace linux_abi

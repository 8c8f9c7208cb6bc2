// SPDX-License-Identifier: Apache-2.0
// What a process used: see usage.h.
#include "linux-abi/process/usage.h"

#include <algorithm>

#include "linux-abi/process/thread.h"
#include "processor/address_space.h"

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

std::uint64_t own_most_resident_locked(Process& process) {
  return std::max(process.most_resident, processor::usage(process.space()).most_resident);
}

void keep_most_resident(Process& process) {
  const base::SpinGuard guard(tasks_lock);
  process.most_resident = own_most_resident_locked(process);
}

}  // namespace linux_abi

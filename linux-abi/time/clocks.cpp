// SPDX-License-Identifier: Apache-2.0
// Linux's clocks: see clocks.h.
#include "linux-abi/time/clocks.h"

#include "linux-abi/process/usage.h"
#include "linux-abi/time/wall_clock.h"

namespace linux_abi {

Answer<std::uint64_t> read_clock(Thread& thread, int clock) {
  switch (clock) {
    case clock_id::realtime:
    case clock_id::realtime_coarse:
    case clock_id::realtime_alarm:
    case clock_id::tai:
      return wall_clock_ns();
    case clock_id::monotonic:
    case clock_id::monotonic_raw:
    case clock_id::monotonic_coarse:
    case clock_id::boottime:
    case clock_id::boottime_alarm:
      return thread.now_ns();
    case clock_id::process_cpu: {
      const ProcessTimes times = times_of(thread.process());
      return times.user_ns + times.system_ns;
    }
    case clock_id::thread_cpu: {
      const threads::ThreadTimes times = thread.kernel_thread().times();
      return times.user_ns + times.system_ns;
    }
    default:
      break;
  }
  // A negative number names the processor time of a process or thread: ~pid << 3 | kind.
  if (clock >= 0) return error(EINVAL);
  const int pid = ~(clock >> 3);
  const bool of_thread = (clock & 4) != 0;
  const base::SpinGuard guard(tasks_lock);
  if (pid == kernel_pid && !of_thread && (clock & 3) <= 2) return std::uint64_t{0};
  const PidEntry* entry = thread.process().vnode().pids.find(pid == 0 ? thread.tid() : pid);
  if (entry == nullptr || (clock & 3) > 2) return error(EINVAL);
  if (of_thread && entry->thread != nullptr) {
    const threads::ThreadTimes times = entry->thread->kernel_thread().times();
    return times.user_ns + times.system_ns;
  }
  if (of_thread || entry->process == nullptr) return error(EINVAL);
  const ProcessTimes times = times_of_locked(*entry->process);
  return times.user_ns + times.system_ns;
}

}  // namespace linux_abi

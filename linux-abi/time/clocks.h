// SPDX-License-Identifier: Apache-2.0
// Linux's clocks by number (clock_gettime(2)).
#pragma once

#include "linux-abi/process/thread.h"

namespace linux_abi {

namespace clock_id {
inline constexpr int realtime = 0, monotonic = 1, process_cpu = 2, thread_cpu = 3, monotonic_raw = 4,
                     realtime_coarse = 5, monotonic_coarse = 6, boottime = 7, realtime_alarm = 8, boottime_alarm = 9,
                     tai = 11;
}  // namespace clock_id

// The clock's time now in nanoseconds; EINVAL: there is no such clock.
Answer<std::uint64_t> read_clock(Thread& thread, int clock);

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Processor time of a process, of the threads it has and of those that ended, and the most memory it had at once.
#pragma once

#include "linux-abi/process/process.h"

namespace linux_abi {

ProcessTimes times_of(Process& process);
ProcessTimes times_of_locked(Process& process);  // tasks_lock is held

// In pages: of the caller's own process, of the program it runs and of those it ran before.
std::uint64_t own_most_resident_locked(Process& process);
// Before the process loses its space: what it had of it is kept.
void keep_most_resident(Process& process);

}  // namespace linux_abi

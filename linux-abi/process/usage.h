// SPDX-License-Identifier: Apache-2.0
// Processor time of a process: of the threads it has and of those that ended.
#pragma once

#include "linux-abi/process/process.h"

namespace linux_abi {

ProcessTimes times_of(Process& process);
ProcessTimes times_of_locked(Process& process);  // tasks_lock is held

}  // namespace linux_abi

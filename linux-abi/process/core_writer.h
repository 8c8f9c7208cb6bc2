// SPDX-License-Identifier: Apache-2.0
// Writes the core file of a process whose threads have come to a halt; private to the dumping of cores.
#pragma once

#include "linux-abi/process/core_dump.h"

namespace linux_abi {

// The images of the threads, the writer's first. An error: there is no core file worth the name.
Answer<> write_core(Thread& thread, CoreDump& dump, const SignalInformation& information);

}  // namespace linux_abi

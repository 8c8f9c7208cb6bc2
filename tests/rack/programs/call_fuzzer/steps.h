// SPDX-License-Identifier: Apache-2.0
// What a fuzzing thread does, one step at a time.
#pragma once

#include "context.h"

namespace fuzzer {

// One random call, change of memory or descriptors, new process, signal frame or piece of code.
void step(Context& context);
// Machine code that user mode should not run, with random registers and flags; never returns, faults.
void run_odd_code(Context& context);
// rt_sigreturn with a frame that was changed.
void return_from_no_signal(Context& context);
// Steps until the calls are used up or the process ends.
[[noreturn]] void run_worker(std::uint64_t seed, bool privileged);

}  // namespace fuzzer

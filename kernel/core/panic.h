// SPDX-License-Identifier: Apache-2.0
// The end of a component: the other cores are stopped, what happened is printed with a backtrace, everything halts.
// base::platform::panic() comes here, and so do traps that nobody handles.
#pragma once

#include <cstdint>
#include <string_view>

namespace kernel {

// Installs the handlers of NMIs and fatal traps. Before that a panic prints and halts, too.
void start_panic_handling();
// Panics end QEMU by its isa-debug-exit device at port 0xf4, with this status (the process exits with 2 * status + 1).
// For tests (option panic_exit=N).
void exit_on_panic(std::uint32_t status);

// One line per frame on the console, from this frame pointer on.
void print_backtrace(std::uint64_t frame_pointer);

}  // namespace kernel

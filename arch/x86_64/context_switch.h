// SPDX-License-Identifier: Apache-2.0
// Switching between kernel stacks. A thread that does not run is its stack pointer: its callee-saved registers lie on
// top of its stack. Interrupts are disabled across a switch.
#pragma once

#include <cstdint>

#include "kernel/base/types.h"

namespace arch {

struct SavedStack {
  std::uint64_t stack_pointer = 0;
};

// Prepares a new stack that ends at `top` (16-aligned): the first switch to it calls start(argument) there.
SavedStack prepare_stack(base::KernelVa top, void (*start)(void* argument), void* argument);

// Saves this stack in `from`, continues on `to`. Returns when somebody switches back.
void switch_stack(SavedStack& from, const SavedStack& to);

// The stack on which entries from user mode begin, on this core.
void set_entry_stack(base::KernelVa top);

}  // namespace arch

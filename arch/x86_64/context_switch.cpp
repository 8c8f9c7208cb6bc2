// SPDX-License-Identifier: Apache-2.0
// New kernel stacks: see context_switch.h.
#include "arch/x86_64/context_switch.h"

#include "arch/x86_64/percpu.h"
#include "kernel/base/assert.h"

extern "C" {
void arch_switch_stack(std::uint64_t* save_stack_pointer, std::uint64_t stack_pointer);
void arch_start_stack();
}

namespace arch {

namespace {

// As arch_switch_stack pops it, lowest address first.
struct NewStack {
  std::uint64_t r15, r14, r13, r12, rbx, rbp;
  std::uint64_t return_address;
};
static_assert(sizeof(NewStack) == 56);

}  // namespace

SavedStack prepare_stack(base::KernelVa top, void (*start)(void* argument), void* argument) {
  LEGO_ASSERT(top.value() % 16 == 0);
  const std::uint64_t stack_pointer = top.value() - sizeof(NewStack);
  auto& stack = *reinterpret_cast<NewStack*>(stack_pointer);
  stack = {};
  stack.r12 = reinterpret_cast<std::uint64_t>(start);
  stack.r13 = reinterpret_cast<std::uint64_t>(argument);
  stack.return_address = reinterpret_cast<std::uint64_t>(&arch_start_stack);
  return {stack_pointer};
}

void switch_stack(SavedStack& from, const SavedStack& to) { arch_switch_stack(&from.stack_pointer, to.stack_pointer); }

void set_entry_stack(base::KernelVa top) { set_kernel_stack(top.value()); }

}  // namespace arch

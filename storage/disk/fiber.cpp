// SPDX-License-Identifier: Apache-2.0
// Switching to a fiber and back: see fiber.h.
#include "storage/disk/fiber.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/interrupts_off.h"
#include "kernel/base/assert.h"
#include "kernel/memory/kernel_map.h"

namespace storage {

base::Result<> Fiber::start(void (*main)(void* argument), void* argument) {
  main_ = main;
  argument_ = argument;
  const kernel::KernelStack stack = TRY(kernel::allocate_kernel_stack());
  own_ = arch::prepare_stack(base::KernelVa(stack.top()), &Fiber::enter, this);
  return {};
}

// On the new stack, with interrupts disabled as across every switch.
void Fiber::enter(void* fiber) {
  Fiber& self = *static_cast<Fiber*>(fiber);
  arch::enable_interrupts();
  self.main_(self.argument_);
  base::platform::panic("a fiber has ended");
}

void Fiber::resume() {
  LEGO_ASSERT(!running_);
  running_ = true;
  const arch::InterruptsOff off;
  arch::switch_stack(loop_, own_);
}

void Fiber::park() {
  LEGO_ASSERT(running_);
  running_ = false;
  const arch::InterruptsOff off;
  arch::switch_stack(own_, loop_);
}

}  // namespace storage

// SPDX-License-Identifier: Apache-2.0
// The crossing between user and kernel mode: see return_to_user.h.
#include "kernel/threads/return_to_user.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/user_mode.h"
#include "kernel/threads/core.h"
#include "kernel/threads/scheduler.h"

namespace threads {

namespace {

void (*personality_hook)(Thread&, arch::TrapFrame&) = nullptr;
void (*switch_hook)(Thread&, arch::TrapFrame&) = nullptr;

}  // namespace

// Everything that may still have to be done is looked at with interrupts disabled, at last; what comes up after that
// comes with an interrupt, and the way back from that leads here again.
void Thread::go_to_user(arch::TrapFrame& frame) {
  while (true) {
    if (Core& core = Core::here(); core.wants_switch()) {
      core.give_way(Arrival::Preempted, core.lock());
      continue;
    }
    if (tells_switches_ && switched_.load(std::memory_order_relaxed)) {
      switched_.store(false, std::memory_order_relaxed);  // set again if the hook has to wait
      arch::enable_interrupts();
      if (switch_hook != nullptr) switch_hook(*this, frame);
      arch::disable_interrupts();
      continue;
    }
    if (!return_work_.load(std::memory_order_relaxed)) break;
    return_work_.store(false, std::memory_order_relaxed);  // set again by whoever comes from now on
    arch::enable_interrupts();
    if (personality_hook != nullptr) personality_hook(*this, frame);
    arch::disable_interrupts();
  }
  registers_saved_ = false;
  if (!registers_are_live()) load_user_registers();
  Core::here().enter_user();
}

void set_return_to_user_hook(void (*hook)(Thread&, arch::TrapFrame&)) { personality_hook = hook; }

void set_switch_hook(void (*hook)(Thread&, arch::TrapFrame&)) { switch_hook = hook; }

void install_return_to_user() {
  arch::UserModeHandlers& handlers = arch::user_mode_handlers();
  handlers.return_to_user = [](arch::TrapFrame& frame) { current().go_to_user(frame); };
  handlers.entered_from_user = [] { Core::here().enter_kernel(); };
}

}  // namespace threads

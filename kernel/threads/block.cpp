// SPDX-License-Identifier: Apache-2.0
// Waiting: see block.h.
#include "kernel/threads/block.h"

#include "arch/x86_64/cpu.h"
#include "kernel/base/assert.h"
#include "kernel/base/spinlock.h"
#include "kernel/threads/core.h"
#include "kernel/threads/scheduler.h"
#include "kernel/time/clock.h"

namespace threads {

ThreadWaiter::ThreadWaiter() : thread_(current()) {}

ThreadWaiter::~ThreadWaiter() { LEGO_ASSERT(!is_linked()); }

void ThreadWaiter::wake() {
  Thread& thread = thread_;
  HomeLock home(thread);
  Core& core = home.core();
  // Under the lock: the sleeper sees it under the lock too, so it cannot be gone before this is done with it.
  woken_ = true;
  if (thread.run_state_.load(std::memory_order_relaxed) == Thread::RunState::Blocked) {
    core.make_ready(thread, home.release());
  }
}

void ThreadWaiter::reset() {
  LEGO_ASSERT(!is_linked());
  woken_ = false;
}

BlockResult ThreadWaiter::block(std::uint64_t deadline_ns, Interruptible interruptible) {
  LEGO_ASSERT(&thread_ == &current() && !base::holds_spinlock() && arch::interrupts_enabled());
  while (true) {
    Core& core = Core::here();  // this thread stays here until it blocks
    const std::uint64_t state = core.lock();
    const bool woken = woken_;
    const bool interrupted = thread_.must_end_wait(interruptible);
    if (woken || interrupted || (deadline_ns != base::never_ns && kernel::now_ns() >= deadline_ns)) {
      core.unlock(state);
      return woken ? BlockResult::Woken : interrupted ? BlockResult::Interrupted : BlockResult::TimedOut;
    }
    core.block_running(deadline_ns, interruptible, state);
  }
}

BlockResult block_until_woken(ThreadWaiter& waiter, std::uint64_t deadline_ns, Interruptible interruptible) {
  return waiter.block(deadline_ns, interruptible);
}

BlockResult sleep_until(std::uint64_t deadline_ns, Interruptible interruptible) {
  ThreadWaiter nobody_wakes;
  return nobody_wakes.block(deadline_ns, interruptible);
}

base::Result<> to_result(BlockResult result) {
  switch (result) {
    case BlockResult::Woken:
      return {};
    case BlockResult::TimedOut:
      return base::fail(base::Error::TimedOut);
    case BlockResult::Interrupted:
      break;
  }
  return base::fail(base::Error::Interrupted);
}

}  // namespace threads

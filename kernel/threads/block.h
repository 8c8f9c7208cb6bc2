// SPDX-License-Identifier: Apache-2.0
// How a thread waits. The pattern, with `lock` the SpinLock of the structure that the WaitQueue is part of:
//
//   ThreadWaiter waiter;
//   { SpinGuard guard(lock); if (ready()) return; queue.add(waiter); }
//   const BlockResult result = block_until_woken(waiter, deadline_ns, Interruptible::Yes);
//   if (result != BlockResult::Woken) { SpinGuard guard(lock); give_up(waiter); }
//
// wake() before the sleep makes the sleep return at once. wake() is called under the lock that guards the queue, or by
// somebody who otherwise knows that the waiter still exists; the waiter may be gone as soon as wake() was called.
#pragma once

#include <cstdint>

#include "kernel/base/clock.h"
#include "kernel/base/error.h"
#include "kernel/base/waiter.h"
#include "kernel/threads/thread.h"

namespace threads {

enum class BlockResult : std::uint8_t { Woken, TimedOut, Interrupted };

class ThreadWaiter;

// Sleeps until waiter.wake(). The deadline is on clock() (base::never_ns: none). If several happened, Woken wins, then
// Interrupted. No spinlock may be held.
BlockResult block_until_woken(ThreadWaiter& waiter, std::uint64_t deadline_ns, Interruptible interruptible);

class ThreadWaiter final : public base::Waiter {
 public:
  ThreadWaiter();  // of the running thread
  explicit ThreadWaiter(Thread& thread) : thread_(thread) {}
  ~ThreadWaiter();  // asserts that it is on no queue

  void wake() override;
  // Before it is queued again; it is on no queue, and nobody is about to wake it.
  void reset();

 private:
  friend BlockResult block_until_woken(ThreadWaiter&, std::uint64_t, Interruptible);
  friend BlockResult sleep_until(std::uint64_t, Interruptible);
  BlockResult block(std::uint64_t deadline_ns, Interruptible interruptible);

  Thread& thread_;
  bool woken_ = false;  // guarded by the lock of the thread's core
};

// After TimedOut or Interrupted, under the queue's lock.
inline void give_up(ThreadWaiter& waiter) { waiter.unlink(); }

// TimedOut or Interrupted.
BlockResult sleep_until(std::uint64_t deadline_ns, Interruptible interruptible);

// Woken is success; Error::TimedOut, Error::Interrupted.
base::Result<> to_result(BlockResult result);

}  // namespace threads

// SPDX-License-Identifier: Apache-2.0
// The Sleeper of the running kernel thread. Interruptible::Never is for what must be finished although the thread is
// being killed: a request that was sent, and everything that kernel threads do.
#pragma once

#include "kernel/threads/block.h"
#include "kernel/threads/scheduler.h"
#include "processor/sleeper.h"

namespace processor {

class ThreadSleeper final : public Sleeper {
 public:
  explicit ThreadSleeper(threads::Interruptible interruptible) : interruptible_(interruptible) {}
  void wake() override { waiter_.wake(); }
  bool sleep() override { return sleep_until(base::never_ns); }
  // false: also when the time has come.
  bool sleep_until(std::uint64_t deadline_ns) {
    const bool woken = threads::block_until_woken(waiter_, deadline_ns, interruptible_) == threads::BlockResult::Woken;
    if (woken) waiter_.reset();
    return woken;
  }
  std::uint64_t now_ns() const override { return threads::clock().now_ns(); }

 private:
  threads::ThreadWaiter waiter_;
  threads::Interruptible interruptible_;
};

// For what will be better soon: memory, a busy peer.
inline void pause_ns(std::uint64_t nanoseconds) {
  (void)threads::sleep_until(threads::clock().now_ns() + nanoseconds, threads::Interruptible::KillOnly);
}

}  // namespace processor

// SPDX-License-Identifier: Apache-2.0
// Threads of a test that are waited for together, and a one-shot event.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/base/spinlock.h"
#include "kernel/threads/block.h"
#include "kernel/threads/scheduler.h"
#include "tests/rack/threads/check.h"

namespace image_test {

class Group final : public threads::ThreadOwner {
 public:
  Group() = default;
  ~Group() { wait(); }

  threads::Thread* add(std::string_view name, void (*entry)(void*), void* argument,
                       threads::ThreadOptions options = {}) {
    options.name = name;
    options.owner = this;
    return started(threads::create(options, entry, argument));
  }
  threads::Thread* started(base::Result<threads::Thread*> thread) {
    if (!CHECK(thread.has_value())) return nullptr;
    {
      const base::SpinGuard guard(lock_);
      ++alive_;
    }
    threads::start(**thread);
    return *thread;
  }
  void wait() {
    threads::ThreadWaiter waiter;
    {
      const base::SpinGuard guard(lock_);
      if (alive_ == 0) return;
      queue_.add(waiter);
    }
    threads::block_until_woken(waiter, base::never_ns, threads::Interruptible::Never);
    const base::SpinGuard guard(lock_);  // whoever woke us is done with this object
  }

 private:
  void thread_gone(threads::Thread&) override {
    const base::SpinGuard guard(lock_);
    if (--alive_ == 0) queue_.wake_all();
  }

  base::SpinLock lock_{base::LockRank::Process};
  std::uint32_t alive_ = 0;
  base::WaitQueue queue_;
};

class Event {
 public:
  void set() {
    const base::SpinGuard guard(lock_);
    set_ = true;
    queue_.wake_all();
  }
  threads::BlockResult wait(std::uint64_t deadline_ns = base::never_ns,
                            threads::Interruptible kind = threads::Interruptible::Never) {
    threads::ThreadWaiter waiter;
    {
      const base::SpinGuard guard(lock_);
      if (set_) return threads::BlockResult::Woken;
      queue_.add(waiter);
    }
    const threads::BlockResult result = threads::block_until_woken(waiter, deadline_ns, kind);
    const base::SpinGuard guard(lock_);
    threads::give_up(waiter);
    return result;
  }
  bool is_set() {
    const base::SpinGuard guard(lock_);
    return set_;
  }

 private:
  base::SpinLock lock_{base::LockRank::Process};
  bool set_ = false;
  base::WaitQueue queue_;
};

inline std::uint64_t in_ms(std::uint64_t ms) { return threads::clock().now_ns() + ms * base::millisecond_ns; }
inline void sleep_ms(std::uint64_t ms) { threads::sleep_until(in_ms(ms), threads::Interruptible::Never); }
// Lets everybody else run.
inline void nap() {
  threads::sleep_until(threads::clock().now_ns() + 20 * base::microsecond_ns, threads::Interruptible::Never);
}

}  // namespace image_test

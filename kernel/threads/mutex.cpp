// SPDX-License-Identifier: Apache-2.0
// The sleeping mutex: see mutex.h. It is handed over while the unlocking thread holds lock_, so a newcomer cannot get
// in between.
#include "kernel/threads/mutex.h"

#include "kernel/base/assert.h"
#include "kernel/threads/block.h"
#include "kernel/threads/scheduler.h"

namespace threads {

// In the queue of a mutex: being woken means having been given the mutex.
struct Mutex::Sleeper final : base::Waiter {
  explicit Sleeper(Mutex& wanted) : mutex(wanted) {}
  void wake() override {
    mutex.holder_ = &thread;
    waiter.wake();
  }
  Mutex& mutex;
  Thread& thread = current();
  ThreadWaiter waiter;
};

Mutex::~Mutex() { LEGO_ASSERT(holder_ == nullptr && sleepers_.empty()); }

base::Result<> Mutex::acquire(bool killable) {
  LEGO_ASSERT(!base::holds_spinlock());
  Sleeper sleeper(*this);
  {
    const base::SpinGuard guard(lock_);
    LEGO_ASSERT(holder_ != &sleeper.thread);
    if (holder_ == nullptr) {
      holder_ = &sleeper.thread;
      return {};
    }
    sleepers_.add(sleeper);
  }
  const auto kind = killable ? Interruptible::KillOnly : Interruptible::Never;
  block_until_woken(sleeper.waiter, base::never_ns, kind);
  const base::SpinGuard guard(lock_);  // whoever handed it over is done with it: now it may even be destroyed
  if (holder_ == &sleeper.thread) return {};
  sleeper.unlink();
  return base::fail(base::Error::Interrupted);
}

void Mutex::lock() {
  const auto result = acquire(false);
  LEGO_ASSERT(result.has_value());
}

base::Result<> Mutex::lock_killable() { return acquire(true); }

bool Mutex::try_lock() {
  const base::SpinGuard guard(lock_);
  if (holder_ != nullptr) return false;
  holder_ = &current();
  return true;
}

void Mutex::unlock() {
  const base::SpinGuard guard(lock_);
  LEGO_ASSERT(holder_ == &current());
  holder_ = nullptr;
  sleepers_.wake_one();
}

bool Mutex::held_by_this_thread() const {
  const base::SpinGuard guard(lock_);
  return holder_ == &current();
}

}  // namespace threads

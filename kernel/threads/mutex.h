// SPDX-License-Identifier: Apache-2.0
// A mutex for sections that sleep. Fair: unlock() hands it to the thread that waits longest. Not recursive; unlocked by
// the thread that locked it. Taken before any spinlock, never while one is held.
#pragma once

#include "kernel/base/error.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/waiter.h"

namespace threads {

class Thread;

class Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  ~Mutex();  // asserts that it is free

  void lock();
  // Error::Interrupted if the thread is killed while it waits; the mutex is then not held.
  [[nodiscard]] base::Result<> lock_killable();
  [[nodiscard]] bool try_lock();
  void unlock();
  bool held_by_this_thread() const;

 private:
  struct Sleeper;
  base::Result<> acquire(bool killable);

  mutable base::SpinLock lock_{base::LockRank::Threads};
  Thread* holder_ = nullptr;
  base::WaitQueue sleepers_;
};

class MutexGuard {
 public:
  explicit MutexGuard(Mutex& mutex) : mutex_(mutex) { mutex_.lock(); }
  MutexGuard(const MutexGuard&) = delete;
  MutexGuard& operator=(const MutexGuard&) = delete;
  ~MutexGuard() { mutex_.unlock(); }

 private:
  Mutex& mutex_;
};

}  // namespace threads

// SPDX-License-Identifier: Apache-2.0
// Timers of the personality: see timer_service.h.
#include "linux-abi/time/timer_service.h"

#include <optional>

#include "kernel/base/spinlock.h"
#include "kernel/base/waiter.h"
#include "kernel/threads/block.h"
#include "kernel/threads/scheduler.h"

namespace linux_abi {

class TimerService {
 public:
  base::Result<> start() {
    threads::Thread* thread = TRY(threads::create({.name = "timers", .klass = policy::Class::High}, &entry, this));
    threads::start(*thread);
    return {};
  }

  void arm(KernelTimer& timer, std::uint64_t deadline_ns) {
    const base::SpinGuard guard(lock_);
    if (timer.is_linked()) timers_.erase(timers_.iterator_to(timer));
    timer.deadline_ns_ = deadline_ns;
    const auto placed = timers_.insert(timer);
    if (placed == timers_.begin()) changed_.wake_all();
  }

  void cancel(KernelTimer& timer) {
    while (true) {
      threads::ThreadWaiter waiter;
      {
        const base::SpinGuard guard(lock_);
        if (timer.is_linked()) timers_.erase(timers_.iterator_to(timer));
        if (running_ != &timer) return;
        finished_.add(waiter);
      }
      (void)threads::block_until_woken(waiter, base::never_ns, threads::Interruptible::Never);
    }
  }

 private:
  static void entry(void* self) { static_cast<TimerService*>(self)->run(); }

  [[noreturn]] void run() {
    while (true) {
      threads::ThreadWaiter waiter;
      KernelTimer* due = nullptr;
      std::uint64_t next_ns = base::never_ns;
      {
        const base::SpinGuard guard(lock_);
        if (!timers_.empty()) next_ns = timers_.begin()->deadline_ns_;
        if (next_ns <= threads::clock().now_ns()) {
          due = &*timers_.begin();
          timers_.erase(timers_.begin());
          running_ = due;
        } else {
          changed_.add(waiter);
        }
      }
      if (due != nullptr) {
        due->expired();
        {
          const base::SpinGuard guard(lock_);
          running_ = nullptr;
          finished_.wake_all();
        }
        // However many are due: the component's own threads, heartbeats among them, get their turns.
        threads::yield();
        continue;
      }
      (void)threads::block_until_woken(waiter, next_ns, threads::Interruptible::Never);
      const base::SpinGuard guard(lock_);
      threads::give_up(waiter);
    }
  }

  base::SpinLock lock_{base::LockRank::Timers};
  boost::intrusive::multiset<KernelTimer> timers_;  // guarded by lock_, as is all below
  KernelTimer* running_ = nullptr;
  base::WaitQueue changed_;
  base::WaitQueue finished_;
};

namespace {
TimerService service;
}

base::Result<> start_timer_service() { return service.start(); }
void arm_timer(KernelTimer& timer, std::uint64_t deadline_ns) { service.arm(timer, deadline_ns); }
void cancel_timer(KernelTimer& timer) { service.cancel(timer); }

}  // namespace linux_abi

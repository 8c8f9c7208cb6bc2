// SPDX-License-Identifier: Apache-2.0
// How non-blocking state machines (the ExCache, pipes, wait queues) make a thread wait without knowing what a thread
// is: an operation that cannot go on links the caller's Waiter into a WaitQueue and says so; the caller sleeps until it
// is woken and starts the operation over. A wake-up between linking and sleeping is not lost: wake() before the sleep
// makes the sleep return at once.
#pragma once

#include <boost/intrusive/list.hpp>

namespace base {

class Waiter : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  // Any context, interrupts included; locks of rank below Scheduler may be held.
  virtual void wake() = 0;

 protected:
  ~Waiter() = default;
};

// Guarded by the lock of the structure that it is part of; so is the unlinking of a Waiter that gives up.
class WaitQueue {
 public:
  void add(Waiter& waiter) {
    if (!waiter.is_linked()) waiters_.push_back(waiter);
  }
  bool empty() const { return waiters_.empty(); }
  void wake_one() {
    if (waiters_.empty()) return;
    Waiter& waiter = waiters_.front();
    waiters_.pop_front();
    waiter.wake();
  }
  void wake_all() {
    while (!waiters_.empty()) wake_one();
  }

 private:
  boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiters_;
};

}  // namespace base

// SPDX-License-Identifier: Apache-2.0
// Waiting among coroutines of one EventLoop: a condition that many wait for, and a lock with shared and exclusive
// holders in order of arrival. Waiters are resumed by the loop, never inside the call that wakes them. All waiters must
// be gone before these objects are destroyed.
#pragma once

#include <boost/intrusive/list.hpp>
#include <coroutine>
#include <cstdint>
#include <utility>

#include "kernel/base/assert.h"
#include "kernel/base/executor.h"

namespace base {

namespace detail {
// A suspended coroutine in a queue; then posted to its loop.
class QueuedCoroutine : public Work {
 public:
  explicit QueuedCoroutine(EventLoop& loop) : loop_(loop) {}
  std::coroutine_handle<> handle;
  boost::intrusive::list_member_hook<> queue_hook;
  bool exclusive = false;
  void wake() { loop_.post(*this); }

 private:
  void run() override { handle.resume(); }
  EventLoop& loop_;
};
using CoroutineQueue =
    boost::intrusive::list<QueuedCoroutine,
                           boost::intrusive::member_hook<QueuedCoroutine, boost::intrusive::list_member_hook<>,
                                                         &QueuedCoroutine::queue_hook>>;
}  // namespace detail

// co_await condition.wait(): suspended until the next wake_all(). Check again what was waited for.
class AsyncCondition {
 public:
  explicit AsyncCondition(EventLoop& loop) : loop_(loop) {}
  ~AsyncCondition() { LEGO_ASSERT(waiters_.empty()); }

  class Wait : public detail::QueuedCoroutine {
   public:
    explicit Wait(AsyncCondition& condition) : QueuedCoroutine(condition.loop_), condition_(condition) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) noexcept {
      handle = waiter;
      condition_.waiters_.push_back(*this);
    }
    void await_resume() const noexcept {}

   private:
    AsyncCondition& condition_;
  };
  Wait wait() { return Wait(*this); }
  void wake_all() {
    while (!waiters_.empty()) {
      detail::QueuedCoroutine& waiter = waiters_.front();
      waiters_.pop_front();
      waiter.wake();
    }
  }
  bool has_waiters() const { return !waiters_.empty(); }

 private:
  EventLoop& loop_;
  detail::CoroutineQueue waiters_;
};

// auto held = co_await lock.shared(); or lock.exclusive(); released when `held` goes.
class AsyncLock {
 public:
  explicit AsyncLock(EventLoop& loop) : loop_(loop) {}
  ~AsyncLock() { LEGO_ASSERT(waiters_.empty() && sharers_ == 0 && !exclusive_); }

  class [[nodiscard]] Held {
   public:
    Held(AsyncLock& lock, bool exclusive) : lock_(&lock), exclusive_(exclusive) {}
    Held(Held&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)), exclusive_(other.exclusive_) {}
    Held& operator=(Held&&) = delete;
    ~Held() {
      if (lock_ != nullptr) lock_->release(exclusive_);
    }

   private:
    AsyncLock* lock_;
    bool exclusive_;
  };
  class Acquire : public detail::QueuedCoroutine {
   public:
    Acquire(AsyncLock& lock, bool wants_exclusive) : QueuedCoroutine(lock.loop_), lock_(lock) {
      exclusive = wants_exclusive;
    }
    bool await_ready() noexcept { return lock_.waiters_.empty() && lock_.take(exclusive); }
    void await_suspend(std::coroutine_handle<> waiter) noexcept {
      handle = waiter;
      lock_.waiters_.push_back(*this);
    }
    Held await_resume() noexcept { return Held(lock_, exclusive); }

   private:
    AsyncLock& lock_;
  };
  Acquire acquire(bool exclusive) { return Acquire(*this, exclusive); }
  Acquire shared() { return Acquire(*this, false); }
  Acquire exclusive() { return Acquire(*this, true); }
  bool idle() const { return !exclusive_ && sharers_ == 0 && waiters_.empty(); }

 private:
  bool take(bool exclusive) {
    if (exclusive_ || (exclusive && sharers_ > 0)) return false;
    if (exclusive)
      exclusive_ = true;
    else
      ++sharers_;
    return true;
  }
  void release(bool exclusive) {
    if (exclusive)
      exclusive_ = false;
    else
      --sharers_;
    while (!waiters_.empty() && take(waiters_.front().exclusive)) {
      detail::QueuedCoroutine& next = waiters_.front();
      waiters_.pop_front();
      next.wake();
    }
  }

  EventLoop& loop_;
  detail::CoroutineQueue waiters_;
  std::uint32_t sharers_ = 0;
  bool exclusive_ = false;
};

}  // namespace base

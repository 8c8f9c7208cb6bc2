// SPDX-License-Identifier: Apache-2.0
// The event loop: see executor.h.
#include "kernel/base/executor.h"

namespace base {

EventLoop::~EventLoop() {
  timers_.clear();
  posted_.clear();
}

void EventLoop::post(Work& work) {
  bool first = false;
  {
    const SpinGuard guard(lock_);
    if (work.is_linked()) return;
    first = posted_.empty();
    posted_.push_back(work);
  }
  if (first && waker_ != nullptr) waker_->wake();
}

void EventLoop::arm(Timer& timer, std::uint64_t deadline_ns) {
  timer.cancel();
  timer.deadline_ns_ = deadline_ns;
  timers_.insert(timer);
}

bool EventLoop::run_ready() {
  bool ran = false;
  const std::uint64_t now = now_ns();
  while (!timers_.empty() && timers_.begin()->deadline_ns() <= now) {
    Timer& timer = *timers_.begin();
    timer.cancel();
    timer.expired();
    ran = true;
  }
  WorkList batch;
  {
    const SpinGuard guard(lock_);
    batch.swap(posted_);
  }
  while (!batch.empty()) {
    Work& work = batch.front();
    {
      const SpinGuard guard(lock_);
      batch.pop_front();
    }
    work.run();
    ran = true;
  }
  return ran;
}

bool EventLoop::idle() {
  const SpinGuard guard(lock_);
  return posted_.empty();
}

std::uint64_t EventLoop::next_deadline_ns() const {
  return timers_.empty() ? never_ns : timers_.begin()->deadline_ns();
}

}  // namespace base

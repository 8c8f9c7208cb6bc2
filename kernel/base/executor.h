// SPDX-License-Identifier: Apache-2.0
// Event-driven execution: an EventLoop runs posted Work in order and Timers when they are due. It is driven from
// outside: by a core's idle loop in the images, by poll(2) in Linux programs, by the seeded scheduler in the
// simulation. post() may be called from any core and from interrupts; everything else belongs to the loop's own core or
// thread.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <cstdint>

#include "kernel/base/clock.h"
#include "kernel/base/spinlock.h"

namespace base {

// Something to run once. Posting Work that is posted already does nothing. Owned by whoever posts it. Neither Work nor
// a Timer is ever copied: what is awaited is made of them, and GCC 12 would await a copy of what a call returns by
// reference, which nobody resumes.
class Work : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Work() = default;
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  virtual void run() = 0;

 protected:
  ~Work() = default;
};

class Timer : public boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual void expired() = 0;
  std::uint64_t deadline_ns() const { return deadline_ns_; }
  bool armed() const { return is_linked(); }
  void cancel() { unlink(); }  // no-op when it is not armed
  bool operator<(const Timer& other) const { return deadline_ns_ < other.deadline_ns_; }

 protected:
  ~Timer() = default;

 private:
  friend class EventLoop;
  std::uint64_t deadline_ns_ = 0;
};

// Told by post() that a loop has something to do; whoever drives the loop from a sleep needs to know.
class LoopWaker {
 public:
  // On the core or thread that posts, with interrupts possibly disabled and no lock of the loop held.
  virtual void wake() = 0;

 protected:
  ~LoopWaker() = default;
};

class EventLoop {
 public:
  explicit EventLoop(const Clock& clock) : clock_(clock) {}
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop();

  const Clock& clock() const { return clock_; }
  std::uint64_t now_ns() const { return clock_.now_ns(); }

  void post(Work& work);
  // Once, before anything is posted from elsewhere. wake() is called when work comes while none was posted.
  void set_waker(LoopWaker& waker) { waker_ = &waker; }
  // (Re-)arms the timer to expire at or after the deadline on this loop's clock.
  void arm(Timer& timer, std::uint64_t deadline_ns);

  // Runs due timers and what was posted before the call; returns whether anything ran.
  bool run_ready();
  bool idle();                             // nothing is posted
  std::uint64_t next_deadline_ns() const;  // of the earliest timer; never_ns if none

 private:
  using WorkList = boost::intrusive::list<Work, boost::intrusive::constant_time_size<false>>;
  using TimerSet = boost::intrusive::multiset<Timer, boost::intrusive::constant_time_size<false>>;

  const Clock& clock_;
  LoopWaker* waker_ = nullptr;
  SpinLock lock_{LockRank::Scheduler};  // guards posted_
  WorkList posted_;
  TimerSet timers_;
};

}  // namespace base

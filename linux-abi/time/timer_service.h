// SPDX-License-Identifier: Apache-2.0
// Timers of the personality (alarm, POSIX timers, timerfd): one kernel thread sleeps until the earliest one is due.
// Never used for sleeping threads, whose deadlines the scheduler keeps.
#pragma once

#include <boost/intrusive/set.hpp>
#include <cstdint>

#include "kernel/base/clock.h"
#include "kernel/base/error.h"

namespace linux_abi {

// Embedded in what it is for. Destroyed only after cancel_timer(), which waits for a call that is under way.
class KernelTimer : public boost::intrusive::set_base_hook<> {
 public:
  std::uint64_t deadline_ns() const { return deadline_ns_; }
  bool operator<(const KernelTimer& other) const { return deadline_ns_ < other.deadline_ns_; }

 protected:
  ~KernelTimer() = default;

 private:
  friend class TimerService;
  // On the timer thread, without locks; at or soon after the deadline. It may arm the timer again. Must not sleep long.
  virtual void expired() = 0;
  std::uint64_t deadline_ns_ = 0;
};

// Once, before the first program.
base::Result<> start_timer_service();

// On threads::clock(). Arms it anew if it is armed.
void arm_timer(KernelTimer& timer, std::uint64_t deadline_ns);
// Afterwards expired() does not run. Not from expired() itself.
void cancel_timer(KernelTimer& timer);

}  // namespace linux_abi

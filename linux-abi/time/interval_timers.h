// SPDX-License-Identifier: Apache-2.0
// A process's timers that send signals: setitimer's three (and alarm), and POSIX timers. Those that count processor
// time look at it when it can have come at the earliest, and again until it has: they may be late by least_look_ns.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "linux-abi/abi/errno.h"
#include "linux-abi/signals/information.h"
#include "linux-abi/time/timer_service.h"

namespace linux_abi {

class Process;

struct TimerSetting {
  std::uint64_t value_ns = 0;     // until it expires; 0: disarmed
  std::uint64_t interval_ns = 0;  // 0: once
};

// What a POSIX timer does when it expires.
struct TimerNotice {
  int signal = 0;  // 0: nothing (SIGEV_NONE)
  std::uint64_t value = 0;
  int thread = 0;  // SIGEV_THREAD_ID: the tid; 0: the process
};

class IntervalTimers {
 public:
  static constexpr int max_timers = 64;
  // setitimer's, behind the POSIX ones.
  static constexpr int real_timer = max_timers, virtual_timer = max_timers + 1, profiling_timer = max_timers + 2;
  static constexpr int limit_timer = max_timers + 3;  // RLIMIT_CPU

  explicit IntervalTimers(Process& process);
  ~IntervalTimers() { stop(); }

  // EAGAIN. value_is_id: the signal's value is the timer's number (no sigevent was given).
  Answer<int> create(int clock, const TimerNotice& notice, bool value_is_id);
  Answer<> remove(int timer);  // EINVAL
  // Returns the old setting. value_ns counts from now; late_ns: it should have expired so long ago, and the periods
  // since then are overruns.
  Answer<TimerSetting> set(int timer, const TimerSetting& setting, std::uint64_t late_ns = 0);
  Answer<TimerSetting> get(int timer);
  Answer<int> overruns(int timer);
  Answer<int> clock_of(int timer);

  // RLIMIT_CPU, after it was changed; with tasks_lock. SIGXCPU at the soft limit and every second after it, SIGKILL at
  // the hard one.
  void limit_processor_time_locked();

  void stop();        // all of them
  void stop_posix();  // execve: setitimer's go on

 private:
  static constexpr std::uint64_t least_look_ns = 4'000'000;
  static constexpr int most_overruns = 0x7fffffff;  // DELAYTIMER_MAX
  enum class Measure : std::uint8_t { WallTime, UserTime, ProcessorTime };
  class Timer final : public KernelTimer {
   public:
    enum class Told : std::uint8_t { Now, Again, Nobody };  // Again: the signal before it has not been taken yet
    void expired() override;
    Told tell(int missed);
    IntervalTimers* owner = nullptr;
    int id = 0;
    int clock = 0;
    Measure measure = Measure::WallTime;
    std::uint64_t due_ns = 0;   // on what it measures
    std::uint64_t late_ns = 0;  // it should have been due so much earlier
    bool used = false;
    TimerNotice notice;
    std::uint64_t interval_ns = 0;
    bool armed = false;
    int overrun = 0;
  };
  Answer<Timer*> find(int timer);
  std::uint64_t measured_ns(const Timer& timer);
  std::uint64_t processor_time_locked() const;
  bool is_over_hard_limit_locked() const;
  // lock_ held, armed.
  void look_when_due(Timer& timer, std::uint64_t measured_ns);
  void disarm(Timer& timer);

  Process& process_;
  base::SpinLock lock_;  // guards the fields of the timers; taken after tasks_lock
  std::array<Timer, max_timers + 4> timers_;
};

// With tasks_lock: RLIMIT_CPU binds the process from now on. ENOMEM.
Answer<> bind_processor_time_locked(Process& process);

// The process's, made if it has none.
Answer<IntervalTimers*> timers_of(Process& process);

}  // namespace linux_abi

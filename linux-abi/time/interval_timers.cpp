// SPDX-License-Identifier: Apache-2.0
// A process's timers that send signals: see interval_timers.h.
#include "linux-abi/time/interval_timers.h"

#include <algorithm>

#include "kernel/threads/scheduler.h"
#include "linux-abi/process/signal_sending.h"
#include "linux-abi/process/usage.h"
#include "linux-abi/time/clocks.h"

namespace linux_abi {

IntervalTimers::IntervalTimers(Process& process) : process_(process), lock_(base::LockRank::Process) {
  for (std::size_t i = 0; i < timers_.size(); ++i) {
    timers_[i].owner = this;
    timers_[i].id = static_cast<int>(i);
  }
  const auto add = [this](int id, int signal, Measure measure) {
    Timer& timer = timers_[static_cast<std::size_t>(id)];
    timer.used = true;
    timer.notice.signal = signal;
    timer.measure = measure;
  };
  add(real_timer, sig::alrm, Measure::WallTime);
  add(virtual_timer, sig::vtalrm, Measure::UserTime);
  add(profiling_timer, sig::prof, Measure::ProcessorTime);
}

std::uint64_t IntervalTimers::measured_ns(const Timer& timer) {
  if (timer.measure == Measure::WallTime) return threads::clock().now_ns();
  const ProcessTimes times = times_of(process_);
  return timer.measure == Measure::UserTime ? times.user_ns : times.user_ns + times.system_ns;
}

// Threads on several cores use up processor time faster than time passes; a look too late is worse than one too many.
void IntervalTimers::look_when_due(Timer& timer, std::uint64_t measured) {
  if (timer.measure == Measure::WallTime) return arm_timer(timer, timer.due_ns);
  const std::uint64_t left = timer.due_ns > measured ? timer.due_ns - measured : 0;
  const std::uint64_t now = threads::clock().now_ns();
  arm_timer(timer, left > base::never_ns - now ? base::never_ns : now + std::max(left, least_look_ns));
}

void IntervalTimers::Timer::expired() {
  TimerNotice send;
  int overruns_now = 0;
  const std::uint64_t now = owner->measured_ns(*this);
  {
    const base::SpinGuard guard(owner->lock_);
    if (!armed) return;
    if (now < due_ns) return owner->look_when_due(*this, now);
    send = notice;
    if (interval_ns == 0) {
      armed = false;
    } else {
      // Periods that passed while nobody looked are told as overruns, not as more signals.
      const std::uint64_t missed = (now - due_ns) / interval_ns;
      overrun = static_cast<int>(missed > 0x7fffffff ? 0x7fffffff : missed);
      due_ns += (missed + 1) * interval_ns;
      owner->look_when_due(*this, now);
    }
    overruns_now = overrun;
  }
  if (send.signal == 0) return;
  const bool posix = id < max_timers;
  const SignalInformation information{.signal = send.signal,
                                      .code = posix ? sig::code::timer : sig::code::kernel,
                                      .value = send.value,
                                      .timer = id,
                                      .overrun = overruns_now};
  const base::SpinGuard guard(tasks_lock);
  // A signal that is pending still, or a full queue: Linux counts an overrun, nothing more.
  if (send.thread == 0) return (void)send_to_process_locked(owner->process_, information);
  const PidEntry* entry = owner->process_.vnode().pids.find(send.thread);
  if (entry != nullptr && entry->thread != nullptr && &entry->thread->process() == &owner->process_)
    (void)send_to_thread_locked(*entry->thread, information);
}

Answer<IntervalTimers::Timer*> IntervalTimers::find(int timer) {
  if (timer < 0 || timer >= static_cast<int>(timers_.size()) || !timers_[static_cast<std::size_t>(timer)].used) return error(EINVAL);
  return &timers_[static_cast<std::size_t>(timer)];
}

void IntervalTimers::disarm(Timer& timer) {
  {
    const base::SpinGuard guard(lock_);
    timer.armed = false;
  }
  cancel_timer(timer);
}

Answer<int> IntervalTimers::create(int clock, const TimerNotice& notice, bool value_is_id) {
  const base::SpinGuard guard(lock_);
  for (int i = 0; i < max_timers; ++i) {
    Timer& timer = timers_[static_cast<std::size_t>(i)];
    if (timer.used) continue;
    timer.used = true;
    timer.clock = clock;
    timer.measure = clock == clock_id::process_cpu ? Measure::ProcessorTime : Measure::WallTime;
    timer.notice = notice;
    if (value_is_id) timer.notice.value = static_cast<std::uint64_t>(i);
    timer.overrun = 0;
    return i;
  }
  return error(EAGAIN);
}

Answer<> IntervalTimers::remove(int id) {
  Timer* timer = TRY(find(id));
  if (id >= max_timers) return error(EINVAL);
  disarm(*timer);
  const base::SpinGuard guard(lock_);
  timer->used = false;
  return {};
}

Answer<TimerSetting> IntervalTimers::get(int id) {
  Timer* timer = TRY(find(id));
  const std::uint64_t now = measured_ns(*timer);
  const base::SpinGuard guard(lock_);
  if (!timer->armed) return TimerSetting{0, timer->interval_ns};
  // One that is due but has not been served yet is still armed.
  return TimerSetting{timer->due_ns > now ? timer->due_ns - now : 1, timer->interval_ns};
}

Answer<TimerSetting> IntervalTimers::set(int id, const TimerSetting& setting) {
  Timer* timer = TRY(find(id));
  const TimerSetting old = TRY(get(id));
  disarm(*timer);
  const std::uint64_t now = measured_ns(*timer);
  const base::SpinGuard guard(lock_);
  timer->interval_ns = setting.interval_ns;
  timer->overrun = 0;
  if (setting.value_ns == 0) return old;
  timer->armed = true;
  timer->due_ns = setting.value_ns > base::never_ns - now ? base::never_ns : now + setting.value_ns;
  look_when_due(*timer, now);
  return old;
}

Answer<int> IntervalTimers::overruns(int id) {
  const Timer* timer = TRY(find(id));
  const base::SpinGuard guard(lock_);
  return timer->overrun;
}

Answer<int> IntervalTimers::clock_of(int id) { return TRY(find(id))->clock; }

void IntervalTimers::stop() {
  stop_posix();
  for (const int id : {real_timer, virtual_timer, profiling_timer}) disarm(timers_[static_cast<std::size_t>(id)]);
}

void IntervalTimers::stop_posix() {
  for (int i = 0; i < max_timers; ++i) {
    Timer& timer = timers_[static_cast<std::size_t>(i)];
    if (!timer.used) continue;
    disarm(timer);
    const base::SpinGuard guard(lock_);
    timer.used = false;
  }
}

Answer<IntervalTimers*> timers_of(Process& process) {
  {
    const base::SpinGuard guard(tasks_lock);
    if (process.timers != nullptr) return process.timers;
  }
  auto made = base::make<IntervalTimers>(process);
  if (!made) return error(ENOMEM);
  const base::SpinGuard guard(tasks_lock);
  if (process.timers == nullptr) process.timers = made.release();
  return process.timers;
}

}  // namespace linux_abi

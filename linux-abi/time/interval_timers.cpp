// SPDX-License-Identifier: Apache-2.0
// A process's timers that send signals: see interval_timers.h.
#include "linux-abi/time/interval_timers.h"

#include <algorithm>

#include "kernel/threads/scheduler.h"
#include "linux-abi/abi/structures.h"
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
  add(limit_timer, sig::xcpu, Measure::ProcessorTime);
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

// Periods that passed while nobody looked, or while the last signal had not been taken, are told as overruns, not as
// more signals. A period may be a nanosecond: until the signal is taken the timer is looked at now and then only, and
// so is one whose signal nobody wants.
void IntervalTimers::Timer::expired() {
  const std::uint64_t now = owner->measured_ns(*this);
  int missed = 0;
  {
    const base::SpinGuard guard(owner->lock_);
    if (!armed) return;
    if (now < due_ns) return owner->look_when_due(*this, now);
    if (interval_ns == 0) {
      armed = false;
    } else {
      const std::uint64_t passed = now - due_ns + late_ns;
      missed = static_cast<int>(std::min<std::uint64_t>(passed / interval_ns, most_overruns));
      due_ns = now + (interval_ns - passed % interval_ns);
      late_ns = 0;
    }
  }
  const Told told = notice.signal == 0 ? Told::Nobody : tell(missed);
  const base::SpinGuard guard(owner->lock_);
  overrun = told == Told::Again ? std::min(overrun, most_overruns - missed - 1) + missed + 1 : missed;
  if (!armed) return;
  if (told == Told::Now || measure != Measure::WallTime) return owner->look_when_due(*this, now);
  arm_timer(*this, std::max(due_ns, now + least_look_ns));
}

IntervalTimers::Timer::Told IntervalTimers::Timer::tell(int missed) {
  const bool posix = id < max_timers;
  const base::SpinGuard guard(tasks_lock);
  Process& process = owner->process_;
  const bool over = id == limit_timer && owner->is_over_hard_limit_locked();
  const SignalInformation information{.signal = over ? sig::kill : notice.signal,
                                      .code = posix ? sig::code::timer : sig::code::kernel,
                                      .value = notice.value,
                                      .timer = id,
                                      .overrun = missed};
  Thread* thread = nullptr;
  if (notice.thread != 0) {
    const PidEntry* entry = process.vnode().pids.find(notice.thread);
    if (entry == nullptr || entry->thread == nullptr || &entry->thread->process() != &process) return Told::Nobody;
    thread = entry->thread;
  }
  PendingSignals& pending = thread == nullptr ? process.pending : thread->pending;
  if (pending.has_from_timer(information)) return Told::Again;
  const Answer<> sent =
      thread == nullptr ? send_to_process_locked(process, information) : send_to_thread_locked(*thread, information);
  return sent && pending.set().contains(notice.signal) ? Told::Now : Told::Nobody;
}

std::uint64_t IntervalTimers::processor_time_locked() const {
  const ProcessTimes times = times_of_locked(process_);
  return times.user_ns + times.system_ns;
}

bool IntervalTimers::is_over_hard_limit_locked() const {
  const std::uint64_t hard = process_.limits.of(Resource::Cpu).hard;
  return hard != unlimited && processor_time_locked() / ns_per_second >= hard;
}

void IntervalTimers::limit_processor_time_locked() {
  const std::uint64_t soft = process_.limits.of(Resource::Cpu).soft, now = processor_time_locked();
  Timer& timer = timers_[limit_timer];
  const base::SpinGuard guard(lock_);
  timer.armed = soft != unlimited;
  timer.interval_ns = ns_per_second;
  if (!timer.armed) return;  // one that is under way finds so in expired()
  // Linux takes none for a second.
  timer.due_ns =
      soft > base::never_ns / ns_per_second ? base::never_ns : std::max(soft, std::uint64_t{1}) * ns_per_second;
  timer.late_ns = 0;
  look_when_due(timer, now);
}

Answer<> bind_processor_time_locked(Process& process) {
  if (process.timers == nullptr) process.timers = base::make<IntervalTimers>(process).release();
  if (process.timers == nullptr) return error(ENOMEM);
  process.timers->limit_processor_time_locked();
  return {};
}

Answer<IntervalTimers::Timer*> IntervalTimers::find(int timer) {
  if (timer < 0 || timer >= static_cast<int>(timers_.size()) || !timers_[static_cast<std::size_t>(timer)].used)
    return error(EINVAL);
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

Answer<TimerSetting> IntervalTimers::set(int id, const TimerSetting& setting, std::uint64_t late_ns) {
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
  timer->late_ns = late_ns;
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
  for (const int id : {real_timer, virtual_timer, profiling_timer, limit_timer})
    disarm(timers_[static_cast<std::size_t>(id)]);
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

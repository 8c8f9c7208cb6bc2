// SPDX-License-Identifier: Apache-2.0
// Timers that send signals: see calls_time.h.
#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/calls/calls_time.h"
#include "linux-abi/time/clocks.h"
#include "linux-abi/time/interval_timers.h"
#include "linux-abi/time/wall_clock.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

namespace {

UserIntervalTimeval to_user(const TimerSetting& setting) {
  return {to_timeval(setting.interval_ns), to_timeval(setting.value_ns)};
}

// ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF.
Answer<int> interval_timer(int which) {
  if (which < 0 || which > 2) return error(EINVAL);
  return IntervalTimers::real_timer + which;
}

Answer<int> posix_timer(std::uint64_t argument) {
  const int timer = Call::as_int(argument);
  if (timer < 0 || timer >= IntervalTimers::max_timers) return error(EINVAL);
  return timer;
}

}  // namespace

Answer<std::uint64_t> alarm(Call& call) {
  IntervalTimers* timers = TRY(timers_of(call.process()));
  const std::uint64_t seconds = call.a() & 0xffffffff;
  const TimerSetting old = TRY(timers->set(IntervalTimers::real_timer, {seconds * ns_per_second, 0}));
  // A part of a second that is left counts as one.
  return (old.value_ns + ns_per_second - 1) / ns_per_second;
}

Answer<std::uint64_t> getitimer(Call& call) {
  const int timer = TRY(interval_timer(Call::as_int(call.a())));
  IntervalTimers* timers = TRY(timers_of(call.process()));
  const TimerSetting now = TRY(timers->get(timer));
  TRY(UserOut<UserIntervalTimeval>(call.b()).write(to_user(now)));
  return std::uint64_t{0};
}

Answer<std::uint64_t> setitimer(Call& call) {
  UserIntervalTimeval given{};
  if (call.b() != 0) given = TRY(UserIn<UserIntervalTimeval>(call.b()).read());
  if (!is_valid(given.value) || !is_valid(given.interval)) return error(EINVAL);
  const int timer = TRY(interval_timer(Call::as_int(call.a())));
  IntervalTimers* timers = TRY(timers_of(call.process()));
  const TimerSetting old = TRY(timers->set(timer, {to_ns(given.value), to_ns(given.interval)}));
  if (call.c() != 0) TRY(UserOut<UserIntervalTimeval>(call.c()).write(to_user(old)));
  return std::uint64_t{0};
}

Answer<std::uint64_t> timer_create(Call& call) {
  // struct sigevent, as far as it matters: value, signal, how to notify, thread.
  struct UserSignalEvent {
    std::uint64_t value;
    std::int32_t signal, notify, thread, padding[11];
  };
  static_assert(sizeof(UserSignalEvent) == 64);
  constexpr int by_signal = 0, not_at_all = 1, by_thread = 2, to_thread = 4;  // by_thread: libc's matter, as by_signal
  const int clock = Call::as_int(call.a());
  TRY(read_clock(call.thread, clock));
  TimerNotice notice{.signal = sig::alrm};
  bool own_value = true;
  if (call.b() != 0) {
    const UserSignalEvent event = TRY(UserIn<UserSignalEvent>(call.b()).read());
    const int how = event.notify;
    if (how != by_signal && how != not_at_all && how != by_thread && how != to_thread) return error(EINVAL);
    if (how != not_at_all && (event.signal < 1 || event.signal > max_signal)) return error(EINVAL);
    notice = {.signal = how == not_at_all ? 0 : event.signal,
              .value = event.value,
              .thread = how == to_thread ? event.thread : 0};
    own_value = false;
  }
  IntervalTimers* timers = TRY(timers_of(call.process()));
  const int timer = TRY(timers->create(clock, notice, own_value));
  if (const auto written = UserOut<std::int32_t>(call.c()).write(timer); !written) {
    TRY(timers->remove(timer));
    return error(EFAULT);
  }
  return std::uint64_t{0};
}

Answer<std::uint64_t> timer_settime(Call& call) {
  constexpr int absolute = 1;
  if (call.c() == 0) return error(EINVAL);
  const UserIntervalTimespec given = TRY(UserIn<UserIntervalTimespec>(call.c()).read());
  if (!is_valid(given.value) || !is_valid(given.interval)) return error(EINVAL);
  IntervalTimers* timers = TRY(timers_of(call.process()));
  const int timer = TRY(posix_timer(call.a()));
  std::uint64_t value = to_ns(given.value), late = 0;
  if ((Call::as_int(call.b()) & absolute) != 0 && value != 0) {
    const int clock = TRY(timers->clock_of(timer));
    const std::uint64_t now = TRY(read_clock(call.thread, clock));
    late = value < now ? now - value : 0;
    value = value > now ? value - now : 1;
  }
  const TimerSetting old = TRY(timers->set(timer, {value, to_ns(given.interval)}, late));
  if (call.d() != 0)
    TRY(UserOut<UserIntervalTimespec>(call.d()).write({to_timespec(old.interval_ns), to_timespec(old.value_ns)}));
  return std::uint64_t{0};
}

Answer<std::uint64_t> timer_gettime(Call& call) {
  IntervalTimers* timers = TRY(timers_of(call.process()));
  const int timer = TRY(posix_timer(call.a()));
  const TimerSetting now = TRY(timers->get(timer));
  TRY(UserOut<UserIntervalTimespec>(call.b()).write({to_timespec(now.interval_ns), to_timespec(now.value_ns)}));
  return std::uint64_t{0};
}

Answer<std::uint64_t> timer_getoverrun(Call& call) {
  IntervalTimers* timers = TRY(timers_of(call.process()));
  const int timer = TRY(posix_timer(call.a()));
  return static_cast<std::uint64_t>(TRY(timers->overruns(timer)));
}

Answer<std::uint64_t> timer_delete(Call& call) {
  IntervalTimers* timers = TRY(timers_of(call.process()));
  const int timer = TRY(posix_timer(call.a()));
  TRY(timers->remove(timer));
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls

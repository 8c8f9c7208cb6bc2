// SPDX-License-Identifier: Apache-2.0
// Clocks and sleeping: see calls_time.h.
#include "linux-abi/calls/calls_time.h"

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/process/usage.h"
#include "linux-abi/time/clocks.h"
#include "linux-abi/time/wall_clock.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

Answer<std::uint64_t> clock_gettime(Call& call) {
  const std::uint64_t now = TRY(read_clock(call.thread, Call::as_int(call.a())));
  TRY(UserOut<UserTimespec>(call.b()).write(to_timespec(now)));
  return std::uint64_t{0};
}

Answer<std::uint64_t> clock_getres(Call& call) {
  TRY(read_clock(call.thread, Call::as_int(call.a())));
  const bool coarse =
      Call::as_int(call.a()) == clock_id::realtime_coarse || Call::as_int(call.a()) == clock_id::monotonic_coarse;
  if (call.b() != 0) TRY(UserOut<UserTimespec>(call.b()).write({0, coarse ? 4'000'000 : 1}));
  return std::uint64_t{0};
}

namespace {

// Until the deadline on the monotonic clock. remaining_to: where a relative sleep that a signal ended says what is
// left.
Answer<std::uint64_t> sleep_until(Call& call, std::uint64_t deadline, std::uint64_t remaining_to) {
  Thread& thread = call.thread;
  while (true) {
    const WaitEnd end = thread.wait(thread.waiter(), deadline);
    if (end == WaitEnd::TimedOut || thread.now_ns() >= deadline) return std::uint64_t{0};
    if (end == WaitEnd::Woken) continue;
    if (remaining_to != 0) {
      const std::uint64_t now = thread.now_ns();
      TRY(UserOut<UserTimespec>(remaining_to).write(to_timespec(deadline > now ? deadline - now : 0)));
    }
    thread.restart = {.deadline_ns = deadline, .remaining_to = remaining_to};
    return error(restart_block);
  }
}

}  // namespace

Answer<std::uint64_t> nanosleep(Call& call) {
  const UserTimespec time = TRY(UserIn<UserTimespec>(call.a()).read());
  if (!is_valid(time)) return error(EINVAL);
  return sleep_until(call, after(call.thread.now_ns(), to_ns(time)), call.b());
}

Answer<std::uint64_t> clock_nanosleep(Call& call) {
  constexpr int absolute = 1;
  const int clock = Call::as_int(call.a());
  if (clock != clock_id::realtime && clock != clock_id::monotonic && clock != clock_id::boottime &&
      clock != clock_id::tai)
    return error(clock < 0 || clock > clock_id::tai ? EINVAL : EOPNOTSUPP);
  const UserTimespec time = TRY(UserIn<UserTimespec>(call.c()).read());
  if (!is_valid(time)) return error(EINVAL);
  if ((Call::as_int(call.b()) & absolute) == 0)
    return sleep_until(call, after(call.thread.now_ns(), to_ns(time)), call.d());
  std::uint64_t deadline = to_ns(time);
  if (clock == clock_id::realtime || clock == clock_id::tai)
    deadline = deadline > wall_clock_offset_ns() ? deadline - wall_clock_offset_ns() : 0;
  const auto slept = sleep_until(call, deadline, 0);
  // An absolute sleep is simply made again.
  if (!slept && slept.error() == restart_block) return error(restart_no_handler);
  return slept;
}

Answer<std::uint64_t> restart_syscall(Call& call) {
  const Thread::Restart restart = call.thread.restart;
  return sleep_until(call, restart.deadline_ns, restart.remaining_to);
}

Answer<std::uint64_t> gettimeofday(Call& call) {
  if (call.a() != 0) TRY(UserOut<UserTimeval>(call.a()).write(to_timeval(wall_clock_ns())));
  struct Zone {
    std::int32_t minutes_west, dst;
  };
  if (call.b() != 0) TRY(UserOut<Zone>(call.b()).write({}));
  return std::uint64_t{0};
}

Answer<std::uint64_t> time(Call& call) {
  const std::uint64_t seconds = wall_clock_ns() / ns_per_second;
  if (call.a() != 0) TRY(UserOut<std::uint64_t>(call.a()).write(seconds));
  return seconds;
}

Answer<std::uint64_t> times(Call& call) {
  constexpr std::uint64_t tick_ns = ns_per_second / 100;
  struct UserTimes {
    std::int64_t user, system, children_user, children_system;
  };
  const auto ticks = [](std::uint64_t ns) { return static_cast<std::int64_t>(ns / tick_ns); };
  const ProcessTimes own = times_of(call.process());
  ProcessTimes children;
  {
    const base::SpinGuard guard(tasks_lock);
    children = call.process().children_times;
  }
  if (call.a() != 0)
    TRY(UserOut<UserTimes>(call.a()).write(
        {ticks(own.user_ns), ticks(own.system_ns), ticks(children.user_ns), ticks(children.system_ns)}));
  return call.thread.now_ns() / tick_ns;
}

namespace {

Answer<UserResourceUsage> usage_of(Call& call, int whose) {
  constexpr int self = 0, children = -1, thread = 1;
  Process& process = call.process();
  ProcessTimes times;
  std::uint64_t most_resident = 0;
  const base::SpinGuard guard(tasks_lock);
  if (whose == children) {
    times = process.children_times;
    most_resident = process.children_most_resident;
  } else if (whose == self || whose == thread) {
    const threads::ThreadTimes own = call.thread.kernel_thread().times();
    times = whose == self ? times_of_locked(process) : ProcessTimes{own.user_ns, own.system_ns};
    most_resident = own_most_resident_locked(process);
  } else {
    return error(EINVAL);
  }
  UserResourceUsage usage{};
  usage.user = to_timeval(times.user_ns);
  usage.system = to_timeval(times.system_ns);
  usage.max_resident_kib = resident_kib(most_resident);
  return usage;
}

}  // namespace

Answer<std::uint64_t> getrusage(Call& call) {
  const UserResourceUsage usage = TRY(usage_of(call, Call::as_int(call.a())));
  TRY(UserOut<UserResourceUsage>(call.b()).write(usage));
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls

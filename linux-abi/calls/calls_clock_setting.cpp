// SPDX-License-Identifier: Apache-2.0
// Setting the clock: root of any vNode sets that of the whole pComponent, for there is one.
#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/calls/calls_time.h"
#include "linux-abi/time/adjustment.h"
#include "linux-abi/time/clocks.h"
#include "linux-abi/time/wall_clock.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

namespace {

base::SpinLock lock{base::LockRank::Process};  // guards:
ClockAdjustment adjustment;

// Linux takes no time before the machine was started.
Answer<std::uint64_t> set_clock(Call& call, std::uint64_t wall_ns) {
  if (wall_ns < call.thread.now_ns()) return error(EINVAL);
  if (!call.thread.user.may(Capability::Time)) return error(EPERM);
  change_wall_clock(wall_ns);
  return std::uint64_t{0};
}

Answer<> move_clock(Call& call, const UserClockAdjustment& asked) {
  const std::int64_t unit = (asked.modes & adjust::nano) != 0 ? 1 : 1000;
  const std::int64_t part = asked.part;
  if (part < 0 || part >= static_cast<std::int64_t>(ns_per_second) / unit) return error(EINVAL);
  constexpr std::int64_t farthest = 100'000'000'000 / 100;  // thirty years
  if (asked.seconds < -farthest || asked.seconds > farthest) return error(EINVAL);
  const std::int64_t moved_ns = asked.seconds * static_cast<std::int64_t>(ns_per_second) + part * unit;
  TRY(set_clock(call, wall_clock_ns() + static_cast<std::uint64_t>(moved_ns)));
  return {};
}

Answer<std::uint64_t> adjust_clock(Call& call, std::uint64_t address) {
  UserClockAdjustment told = TRY(UserIn<UserClockAdjustment>(address).read());
  const bool only_reads = told.modes == 0 || told.modes == adjust::single_shot_read;
  if (!only_reads && !call.thread.user.may(Capability::Time)) return error(EPERM);
  if ((told.modes & adjust::move) != 0 && (told.modes & adjust::single_shot) == 0) TRY(move_clock(call, told));
  int state = 0;
  {
    const base::SpinGuard guard(lock);
    if (!only_reads) TRY(adjustment.change(told));
    adjustment.tell(told);
    state = adjustment.state();
  }
  const std::uint64_t now = wall_clock_ns();
  told.seconds = static_cast<std::int64_t>(now / ns_per_second);
  const std::uint64_t part = now % ns_per_second;
  told.part = static_cast<std::int64_t>((told.status & clock_status::nano) != 0 ? part : part / 1000);
  TRY(UserOut<UserClockAdjustment>(address).write(told));
  return static_cast<std::uint64_t>(state);
}

}  // namespace

Answer<std::uint64_t> clock_settime(Call& call) {
  if (Call::as_int(call.a()) != clock_id::realtime) return error(EINVAL);
  const UserTimespec time = TRY(UserIn<UserTimespec>(call.b()).read());
  if (!is_valid(time)) return error(EINVAL);
  return set_clock(call, to_ns(time));
}

Answer<std::uint64_t> settimeofday(Call& call) {
  struct Zone {
    std::int32_t minutes_west, dst;
  };
  UserTimeval time;
  if (call.a() != 0) {
    time = TRY(UserIn<UserTimeval>(call.a()).read());
    if (!is_valid(time)) return error(EINVAL);
  }
  if (call.b() != 0) {
    const Zone zone = TRY(UserIn<Zone>(call.b()).read());
    constexpr int most_minutes = 15 * 60;
    if (zone.minutes_west < -most_minutes || zone.minutes_west > most_minutes) return error(EINVAL);
  }
  if (!call.thread.user.may(Capability::Time)) return error(EPERM);
  return call.a() == 0 ? Answer<std::uint64_t>(0) : set_clock(call, to_ns(time));
}

Answer<std::uint64_t> adjtimex(Call& call) { return adjust_clock(call, call.a()); }

Answer<std::uint64_t> clock_adjtime(Call& call) {
  const int clock = Call::as_int(call.a());
  if (clock == clock_id::realtime) return adjust_clock(call, call.b());
  TRY(read_clock(call.thread, clock));  // EINVAL
  return error(EOPNOTSUPP);
}

}  // namespace linux_abi::calls

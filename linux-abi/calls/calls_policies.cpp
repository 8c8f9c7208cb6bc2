// SPDX-License-Identifier: Apache-2.0
// Scheduling policies and priorities (sched(7)): see calls_system.h and process/scheduling.h.
#include <algorithm>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/calls/calls_system.h"
#include "linux-abi/calls/named_threads.h"

namespace linux_abi {

bool may_be_nice_locked(const NamedTask& task, int nice) {
  return static_cast<std::uint64_t>(20 - nice) <= task.limits.of(Resource::Nice).soft;
}

}  // namespace linux_abi

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

namespace {

constexpr int reset_on_fork = 0x40000000;  // SCHED_RESET_ON_FORK, in a policy
constexpr int highest_priority = 99;
constexpr std::uint64_t shortest_runtime_ns = 1024;

// struct sched_attr, and its first version.
struct UserAttributes {
  std::uint32_t size, policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime_ns, deadline_ns, period_ns;
  std::uint32_t utilisation_min, utilisation_max;
};
static_assert(sizeof(UserAttributes) == 56);
constexpr std::uint32_t first_version_bytes = 48;
namespace attribute_flag {
constexpr std::uint64_t reset = 1, reclaim = 2, overrun = 4, keep_policy = 8, keep_parameters = 16;
constexpr std::uint64_t utilisation = 0x60, all = 0x7f;
}  // namespace attribute_flag

// EINVAL.
Answer<> check(const Scheduling& wanted) {
  switch (wanted.policy) {
    case policy_number::fifo:
    case policy_number::round_robin:
      return wanted.priority >= 1 && wanted.priority <= highest_priority ? Answer<>() : error(EINVAL);
    case policy_number::deadline: {
      const std::uint64_t period = wanted.period_ns == 0 ? wanted.deadline_ns : wanted.period_ns;
      const bool too_long = ((wanted.deadline_ns | wanted.period_ns) >> 63) != 0;
      const bool in_order = wanted.runtime_ns >= shortest_runtime_ns && wanted.runtime_ns <= wanted.deadline_ns &&
                            wanted.deadline_ns <= period;
      return wanted.priority == 0 && in_order && !too_long ? Answer<>() : error(EINVAL);
    }
    case policy_number::other:
    case policy_number::batch:
    case policy_number::idle:
      return wanted.priority == 0 ? Answer<>() : error(EINVAL);
    default:
      return error(EINVAL);
  }
}

// EPERM.
Answer<> allow_locked(const Thread& by, const NamedTask& task, const Scheduling& wanted) {
  const Credentials& user = by.user;
  if (user.may(Capability::Nice)) return {};
  const Scheduling& now = task.scheduling;
  if (!owns_locked(user, task)) return error(EPERM);
  if (wanted.policy == policy_number::deadline) return error(EPERM);
  if (wanted.is_realtime()) {
    const std::uint64_t most = task.limits.of(Resource::RealtimePriority).soft;
    if (wanted.policy != now.policy && most == 0) return error(EPERM);
    if (wanted.priority > now.priority && static_cast<std::uint64_t>(wanted.priority) > most) return error(EPERM);
  } else if (wanted.nice < now.nice || (now.policy == policy_number::idle && wanted.policy != policy_number::idle)) {
    if (!may_be_nice_locked(task, wanted.nice)) return error(EPERM);
  }
  return now.reset_on_fork && !wanted.reset_on_fork ? error(EPERM) : Answer<>();
}

Answer<> change_locked(Call& call, const NamedTask& task, const Scheduling& wanted) {
  TRY(check(wanted));
  TRY(allow_locked(call.thread, task, wanted));
  task.schedule(wanted);
  return {};
}

// As sched_setscheduler and sched_setparam change it: the reservation goes, the nice value stays.
Scheduling with(const Scheduling& now, int policy, int priority, bool resets) {
  return {.policy = policy, .priority = priority, .nice = now.nice, .reset_on_fork = resets};
}

// Of a process that has ended, and that nobody has waited for, too.
Answer<Scheduling> scheduling_of_locked(Call& call, int tid) {
  const PidEntry* entry = tid > 0 ? call.process().vnode().pids.find(tid) : nullptr;
  if (entry != nullptr && entry->thread == nullptr && entry->process != nullptr)
    return entry->process->ended_scheduling;
  return TRY(find_task_locked(call, tid)).scheduling;
}

}  // namespace

Answer<std::uint64_t> sched_getscheduler(Call& call) {
  const base::SpinGuard guard(tasks_lock);
  const Scheduling now = TRY(scheduling_of_locked(call, Call::as_int(call.a())));
  return static_cast<std::uint64_t>(now.policy | (now.reset_on_fork ? reset_on_fork : 0));
}

Answer<std::uint64_t> sched_setscheduler(Call& call) {
  const int given = Call::as_int(call.b());
  if (given < 0 || Call::as_int(call.a()) < 0 || call.c() == 0) return error(EINVAL);
  const std::int32_t priority = TRY(UserIn<std::int32_t>(call.c()).read());
  const int policy = given & ~reset_on_fork;
  if (policy == policy_number::deadline) return error(EINVAL);  // what it needs has no place here
  const base::SpinGuard guard(tasks_lock);
  const NamedTask task = TRY(find_task_locked(call, Call::as_int(call.a())));
  TRY(change_locked(call, task, with(task.scheduling, policy, priority, (given & reset_on_fork) != 0)));
  return std::uint64_t{0};
}

Answer<std::uint64_t> sched_getparam(Call& call) {
  if (call.b() == 0) return error(EINVAL);
  std::int32_t priority = 0;
  {
    const base::SpinGuard guard(tasks_lock);
    priority = TRY(scheduling_of_locked(call, Call::as_int(call.a()))).priority;
  }
  TRY(UserOut<std::int32_t>(call.b()).write(priority));
  return std::uint64_t{0};
}

Answer<std::uint64_t> sched_setparam(Call& call) {
  if (call.b() == 0 || Call::as_int(call.a()) < 0) return error(EINVAL);
  const std::int32_t priority = TRY(UserIn<std::int32_t>(call.b()).read());
  const base::SpinGuard guard(tasks_lock);
  const NamedTask task = TRY(find_task_locked(call, Call::as_int(call.a())));
  const Scheduling now = task.scheduling;
  TRY(change_locked(call, task, with(now, now.policy, priority, now.reset_on_fork)));
  return std::uint64_t{0};
}

Answer<std::uint64_t> sched_getattr(Call& call) {
  const std::uint64_t size = call.c() & 0xffffffff;
  if (call.b() == 0 || Call::as_int(call.a()) < 0 || size < first_version_bytes || size > base::page_bytes ||
      (call.d() & 0xffffffff) != 0)
    return error(EINVAL);
  UserAttributes shown{};
  shown.size = static_cast<std::uint32_t>(std::min<std::uint64_t>(size, sizeof shown));
  {
    const base::SpinGuard guard(tasks_lock);
    const Scheduling now = TRY(scheduling_of_locked(call, Call::as_int(call.a())));
    shown.policy = static_cast<std::uint32_t>(now.policy);
    shown.flags = now.reset_on_fork ? attribute_flag::reset : 0;
    shown.nice = now.is_before_others() ? 0 : now.nice;
    shown.priority = static_cast<std::uint32_t>(now.priority);
    shown.runtime_ns = now.runtime_ns;
    shown.deadline_ns = now.deadline_ns;
    shown.period_ns = now.period_ns;
  }
  TRY(call.thread.copy_out(call.b(), std::as_bytes(std::span(&shown, 1)).first(shown.size)));
  return std::uint64_t{0};
}

namespace {

// E2BIG: something in what is not known; the size that is known is told then.
Answer<UserAttributes> read_attributes(Call& call) {
  UserAttributes given{};
  std::uint32_t size = TRY(UserIn<std::uint32_t>(call.b()).read());
  if (size == 0) size = first_version_bytes;
  bool too_big = size < first_version_bytes || size > base::page_bytes;
  const std::size_t known = std::min<std::size_t>(size, sizeof given);
  if (!too_big) TRY(call.thread.copy_in(std::as_writable_bytes(std::span(&given, 1)).first(known), call.b()));
  for (std::uint64_t at = sizeof given; !too_big && at + 4 <= size; at += 4) {
    const std::uint32_t word = TRY(UserIn<std::uint32_t>(call.b() + at).read());
    too_big = word != 0;
  }
  if (!too_big) return given;
  TRY(UserOut<std::uint32_t>(call.b()).write(sizeof given));
  return error(E2BIG);
}

}  // namespace

Answer<std::uint64_t> sched_setattr(Call& call) {
  if (call.b() == 0 || Call::as_int(call.a()) < 0 || (call.c() & 0xffffffff) != 0) return error(EINVAL);
  const UserAttributes given = TRY(read_attributes(call));
  if (static_cast<std::int32_t>(given.policy) < 0 || (given.flags & ~attribute_flag::all) != 0) return error(EINVAL);
  if ((given.flags & attribute_flag::utilisation) != 0) return error(EOPNOTSUPP);
  const base::SpinGuard guard(tasks_lock);
  const NamedTask task = TRY(find_task_locked(call, Call::as_int(call.a())));
  const Scheduling now = task.scheduling;
  Scheduling wanted = now;
  wanted.reset_on_fork = (given.flags & attribute_flag::reset) != 0;
  if ((given.flags & attribute_flag::keep_policy) == 0) wanted.policy = static_cast<int>(given.policy);
  if ((given.flags & attribute_flag::keep_parameters) == 0) {
    wanted.priority = static_cast<int>(std::min(given.priority, 1000U));
    if (wanted.policy == policy_number::other || wanted.policy == policy_number::batch)
      wanted.nice = std::clamp(given.nice, policy::lowest_nice, policy::highest_nice);
    const bool reserves = wanted.policy == policy_number::deadline;
    wanted.runtime_ns = reserves ? given.runtime_ns : 0;
    wanted.deadline_ns = reserves ? given.deadline_ns : 0;
    wanted.period_ns = reserves && given.period_ns == 0 ? given.deadline_ns : reserves ? given.period_ns : 0;
  }
  TRY(change_locked(call, task, wanted));
  return std::uint64_t{0};
}

// The time slice as sched(7) tells it.
Answer<std::uint64_t> sched_rr_get_interval(Call& call) {
  UserTimespec interval{};
  {
    const base::SpinGuard guard(tasks_lock);
    const Scheduling now = TRY(scheduling_of_locked(call, Call::as_int(call.a())));
    if (now.policy == policy_number::round_robin)
      interval = to_timespec(round_robin_slice_ns);
    else if (!now.is_before_others())
      interval = to_timespec(policy::slice_ns);
  }
  TRY(UserOut<UserTimespec>(call.b()).write(interval));
  return std::uint64_t{0};
}

namespace {
Answer<std::uint64_t> priority_limit(Call& call, std::uint64_t realtime) {
  switch (Call::as_int(call.a())) {
    case policy_number::other:
    case policy_number::batch:
    case policy_number::idle:
    case policy_number::deadline:
      return std::uint64_t{0};
    case policy_number::fifo:
    case policy_number::round_robin:
      return realtime;
    default:
      return error(EINVAL);
  }
}
}  // namespace

Answer<std::uint64_t> sched_get_priority_max(Call& call) { return priority_limit(call, highest_priority); }
Answer<std::uint64_t> sched_get_priority_min(Call& call) { return priority_limit(call, 1); }

}  // namespace linux_abi::calls

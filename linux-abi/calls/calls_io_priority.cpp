// SPDX-License-Identifier: Apache-2.0
// ioprio_get and ioprio_set: remembered for each thread; requests to the disks are served in the order they come.
#include <algorithm>

#include "linux-abi/calls/calls_system.h"
#include "linux-abi/calls/named_threads.h"

namespace linux_abi::calls {
namespace {

constexpr int process = 1, user = 3;
// Of a priority's upper bits; the header that has them is C alone.
constexpr int class_shift = 13, none = 0, real_time = 1, best_effort = 2, idle = 3;

// EINVAL, EPERM.
Answer<> check(Call& call, int priority) {
  const int level = priority & 7, rest = priority & 0x1ff8;
  if (rest != 0) return error(EINVAL);
  switch (priority >> class_shift) {
    case real_time:
      return call.thread.user.is_root() || call.thread.user.may(Capability::Nice) ? Answer<>() : error(EPERM);
    case best_effort:
    case idle:
      return {};
    case none:
      return level == 0 ? Answer<>() : error(EINVAL);
    default:
      return error(EINVAL);
  }
}

}  // namespace

Answer<std::uint64_t> ioprio_set(Call& call) {
  const int which = Call::as_int(call.a()), priority = Call::as_int(call.c());
  TRY(check(call, priority));
  if (which < process || which > user) return error(EINVAL);
  const base::SpinGuard guard(tasks_lock);
  TRY(for_each_named_locked(call, which - process, Call::as_int(call.b()), [&](const NamedTask& task) -> Answer<> {
    const Credentials& own = call.thread.user;
    if (task.user.uid != own.effective_uid && task.user.uid != own.uid && !own.may(Capability::Nice))
      return error(EPERM);
    task.io_priority = priority;
    return {};
  }));
  return std::uint64_t{0};
}

// The best of them.
Answer<std::uint64_t> ioprio_get(Call& call) {
  const int which = Call::as_int(call.a());
  if (which < process || which > user) return error(EINVAL);
  const int usual = best_effort << class_shift | 4;
  int best = -1;
  const base::SpinGuard guard(tasks_lock);
  TRY(for_each_named_locked(call, which - process, Call::as_int(call.b()), [&](const NamedTask& task) -> Answer<> {
    const int own = task.io_priority;
    const int counted = own == 0 ? usual : own;
    if (best < 0 || counted < (best == 0 ? usual : best)) best = own;
    return {};
  }));
  return static_cast<std::uint64_t>(best);
}

}  // namespace linux_abi::calls

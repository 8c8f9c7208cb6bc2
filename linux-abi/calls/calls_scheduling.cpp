// SPDX-License-Identifier: Apache-2.0
// Scheduling: see calls_system.h. There is one policy, SCHED_OTHER.
#include <algorithm>

#include "arch/x86_64/user_ptr.h"
#include "kernel/core/cores.h"
#include "kernel/threads/policy/entity.h"
#include "kernel/threads/scheduler.h"
#include "linux-abi/calls/calls_system.h"
#include "linux-abi/calls/named_threads.h"
#include "linux-abi/process/signal_sending.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

namespace {

// The thread with this tid, 0: the caller; ESRCH. tasks_lock is held.
Answer<Thread*> find_thread_locked(Call& call, int tid) {
  if (tid < 0) return error(EINVAL);
  if (tid == 0) return &call.thread;
  const PidEntry* entry = call.process().vnode().pids.find(tid);
  if (entry == nullptr || entry->thread == nullptr) return error(ESRCH);
  return entry->thread;
}

std::uint64_t all_cores() {
  const std::uint32_t cores = kernel::core_count();
  return cores >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << cores) - 1;
}

}  // namespace

Answer<std::uint64_t> sched_yield(Call&) {
  threads::yield();
  return std::uint64_t{0};
}

Answer<std::uint64_t> sched_getaffinity(Call& call) {
  if (Call::as_int(call.a()) < 0) return error(ESRCH);
  if (call.b() < 8 || call.b() % 8 != 0) return error(EINVAL);
  std::uint64_t mask = 0;
  {
    const base::SpinGuard guard(tasks_lock);
    mask = TRY(find_thread_locked(call, Call::as_int(call.a())))->kernel_thread().affinity().bits() & all_cores();
  }
  TRY(UserOut<std::uint64_t>(call.c()).write(mask));
  return std::uint64_t{8};
}

Answer<std::uint64_t> sched_setaffinity(Call& call) {
  if (Call::as_int(call.a()) < 0) return error(ESRCH);
  std::uint64_t mask = 0;
  const std::size_t bytes = std::min<std::size_t>(call.b(), sizeof mask);
  TRY(call.thread.copy_in(std::as_writable_bytes(std::span(&mask, 1)).first(bytes), call.c()));
  const base::SpinGuard guard(tasks_lock);
  Thread* thread = TRY(find_thread_locked(call, Call::as_int(call.a())));
  if (!may_signal(call.thread.user, call.process(), thread->process(), 0)) return error(EPERM);
  TRY(thread->kernel_thread().set_affinity(threads::CoreMask(mask & all_cores())));
  return std::uint64_t{0};
}

Answer<std::uint64_t> sched_getscheduler(Call& call) {
  const base::SpinGuard guard(tasks_lock);
  TRY(find_thread_locked(call, Call::as_int(call.a())));
  return std::uint64_t{0};
}

Answer<std::uint64_t> sched_setscheduler(Call& call) {
  const std::int32_t priority = TRY(UserIn<std::int32_t>(call.c()).read());
  const base::SpinGuard guard(tasks_lock);
  TRY(find_thread_locked(call, Call::as_int(call.a())));
  constexpr int other = 0, batch = 3, idle = 5;
  const int policy = Call::as_int(call.b());
  if (policy != other && policy != batch && policy != idle) return error(policy == 1 || policy == 2 ? EPERM : EINVAL);
  return priority == 0 ? Answer<std::uint64_t>(0) : error(EINVAL);
}

Answer<std::uint64_t> sched_getparam(Call& call) {
  if (call.b() == 0) return error(EINVAL);
  {
    const base::SpinGuard guard(tasks_lock);
    TRY(find_thread_locked(call, Call::as_int(call.a())));
  }
  TRY(UserOut<std::int32_t>(call.b()).write(0));
  return std::uint64_t{0};
}

Answer<std::uint64_t> sched_setparam(Call& call) {
  if (call.b() == 0) return error(EINVAL);
  const std::int32_t priority = TRY(UserIn<std::int32_t>(call.b()).read());
  const base::SpinGuard guard(tasks_lock);
  TRY(find_thread_locked(call, Call::as_int(call.a())));
  return priority == 0 ? Answer<std::uint64_t>(0) : error(EINVAL);
}

// The time slice of a thread as sched(7) tells it; it is the same for all.
Answer<std::uint64_t> sched_rr_get_interval(Call& call) {
  {
    const base::SpinGuard guard(tasks_lock);
    TRY(find_thread_locked(call, Call::as_int(call.a())));
  }
  const std::array<std::int64_t, 2> interval{0, static_cast<std::int64_t>(policy::slice_ns)};
  TRY(call.thread.copy_out(call.b(), std::as_bytes(std::span(interval))));
  return std::uint64_t{0};
}

namespace {
Answer<std::uint64_t> priority_limit(Call& call, std::uint64_t realtime) {
  switch (Call::as_int(call.a())) {
    case 0:
    case 3:
    case 5:
      return std::uint64_t{0};
    case 1:
    case 2:
      return realtime;
    default:
      return error(EINVAL);
  }
}
}  // namespace

Answer<std::uint64_t> sched_get_priority_max(Call& call) { return priority_limit(call, 99); }
Answer<std::uint64_t> sched_get_priority_min(Call& call) { return priority_limit(call, 1); }

Answer<std::uint64_t> getpriority(Call& call) {
  int nicest = 20;
  const base::SpinGuard guard(tasks_lock);
  TRY(for_each_named_locked(call, Call::as_int(call.a()), Call::as_int(call.b()), [&](Thread& thread) -> Answer<> {
    nicest = std::min(nicest, thread.kernel_thread().nice());
    return {};
  }));
  return static_cast<std::uint64_t>(20 - nicest);  // the C library turns it round
}

Answer<std::uint64_t> setpriority(Call& call) {
  const int nice = std::clamp(Call::as_int(call.c()), -20, 19);
  const base::SpinGuard guard(tasks_lock);
  TRY(for_each_named_locked(call, Call::as_int(call.a()), Call::as_int(call.b()), [&](Thread& thread) -> Answer<> {
    const Credentials& user = call.thread.user;
    if (!user.may(Capability::Nice) && user.effective_uid != thread.user.uid) return error(EPERM);
    if (!user.may(Capability::Nice) && nice < thread.kernel_thread().nice()) return error(EACCES);
    thread.kernel_thread().set_nice(nice);
    return {};
  }));
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls

// SPDX-License-Identifier: Apache-2.0
// Cores and nice values: see calls_system.h. Policies: calls_policies.cpp.
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
    const NamedTask task = TRY(find_task_locked(call, Call::as_int(call.a())));
    mask = task.thread != nullptr ? task.thread->kernel_thread().affinity().bits() : call.process().vnode().init.cores;
  }
  TRY(UserOut<std::uint64_t>(call.c()).write(mask & all_cores()));
  return std::uint64_t{8};
}

Answer<std::uint64_t> sched_setaffinity(Call& call) {
  if (Call::as_int(call.a()) < 0) return error(ESRCH);
  std::uint64_t mask = 0;
  const std::size_t bytes = std::min<std::size_t>(call.b(), sizeof mask);
  TRY(call.thread.copy_in(std::as_writable_bytes(std::span(&mask, 1)).first(bytes), call.c()));
  const base::SpinGuard guard(tasks_lock);
  const NamedTask task = TRY(find_task_locked(call, Call::as_int(call.a())));
  const Credentials& user = call.thread.user;
  if (!owns_locked(user, task) && !user.may(Capability::Nice)) return error(EPERM);
  mask &= all_cores();
  if (task.thread != nullptr)
    TRY(task.thread->kernel_thread().set_affinity(threads::CoreMask(mask)));
  else if (mask == 0)
    return error(EINVAL);
  else
    call.process().vnode().init.cores = mask;
  return std::uint64_t{0};
}

Answer<std::uint64_t> getpriority(Call& call) {
  int nicest = 20;
  const base::SpinGuard guard(tasks_lock);
  TRY(for_each_named_locked(call, Call::as_int(call.a()), Call::as_int(call.b()),
                            [&](const NamedTask& task) -> Answer<> {
                              nicest = std::min(nicest, task.scheduling.nice);
                              return {};
                            }));
  return static_cast<std::uint64_t>(20 - nicest);  // the C library turns it round
}

Answer<std::uint64_t> setpriority(Call& call) {
  const int nice = std::clamp(Call::as_int(call.c()), -20, 19);
  const base::SpinGuard guard(tasks_lock);
  TRY(for_each_named_locked(
      call, Call::as_int(call.a()), Call::as_int(call.b()), [&](const NamedTask& task) -> Answer<> {
        const Credentials& user = call.thread.user;
        if (!user.may(Capability::Nice) && !owns_locked(user, task)) return error(EPERM);
        if (!user.may(Capability::Nice) && nice < task.scheduling.nice && !may_be_nice_locked(task, nice))
          return error(EACCES);
        Scheduling wanted = task.scheduling;
        wanted.nice = nice;
        task.schedule(wanted);
        return {};
      }));
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls

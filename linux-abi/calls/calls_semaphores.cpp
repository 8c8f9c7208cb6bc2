// SPDX-License-Identifier: Apache-2.0
// System V semaphores: see ipc/semaphores.h.
#include <linux/sem.h>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/calls/calls_ipc.h"
#include "linux-abi/calls/ipc_structures.h"
#include "linux-abi/ipc/space.h"

namespace linux_abi::calls {
namespace {

using arch::UserIn;
using arch::UserOut;

static_assert(sizeof(ipc::SemaphoreOperation) == sizeof(sembuf));

ipc::Semaphores& semaphores_of(Call& call) { return call.process().vnode().ipc.semaphores; }

Answer<std::uint64_t> operate(Call& call, std::uint64_t deadline_ns) {
  const std::uint64_t count = static_cast<std::uint32_t>(call.c());
  if (count == 0 || Call::as_int(call.a()) < 0) return error(EINVAL);
  if (count > ipc::max_operations) return error(E2BIG);
  base::Array<ipc::SemaphoreOperation> operations;
  TRY(operations.resize(count));
  TRY(UserIn<ipc::SemaphoreOperation>(call.b()).read_array(operations.span()));
  TRY(semaphores_of(call).operate(Call::as_int(call.a()), operations.span(), deadline_ns,
                                  {call.process().serial(), call.process().pid()}, call.thread));
  return std::uint64_t{0};
}

Answer<std::uint64_t> write_status(Call& call, const ipc::SemaphoreSetStatus& status) {
  semid64_ds user{};
  user.sem_perm = to_user(status.permissions);
  user.sem_otime = static_cast<__kernel_long_t>(status.operated_seconds);
  user.sem_ctime = static_cast<__kernel_long_t>(status.changed_seconds);
  user.sem_nsems = status.count;
  TRY(UserOut<semid64_ds>(call.d()).write(user));
  return std::uint64_t{0};
}

Answer<std::uint64_t> information(Call& call, bool in_use) {
  ipc::Semaphores& semaphores = semaphores_of(call);
  seminfo user{};
  user.semmni = static_cast<int>(semaphores.settings().most);
  user.semmns = static_cast<int>(ipc::max_semaphores_of_all);
  user.semmsl = static_cast<int>(ipc::max_semaphores);
  user.semopm = static_cast<int>(ipc::max_operations);
  user.semvmx = ipc::max_semaphore_value;
  user.semmnu = user.semmns;
  user.semmap = user.semmns;
  user.semume = user.semopm;
  user.semusz = in_use ? static_cast<int>(semaphores.sets()) : 20;
  user.semaem = in_use ? static_cast<int>(semaphores.semaphores()) : ipc::max_semaphore_value;
  TRY(UserOut<seminfo>(call.d()).write(user));
  return last_place(semaphores.places());
}

Answer<std::uint64_t> all_values(Call& call, bool set) {
  ipc::Semaphores& semaphores = semaphores_of(call);
  const int id = Call::as_int(call.a());
  base::Array<std::uint16_t> values;
  const std::uint32_t count = TRY(semaphores.count(id));
  TRY(values.resize(count));
  if (set) {
    TRY(UserIn<std::uint16_t>(call.d()).read_array(values.span()));
    TRY(semaphores.set_values(id, values.span(), call.process().pid(), call.thread));
  } else {
    TRY(semaphores.values(id, values.span(), call.thread.user));
    TRY(UserOut<std::uint16_t>(call.d()).write_array(std::span<const std::uint16_t>(values.span())));
  }
  return std::uint64_t{0};
}

Answer<std::uint64_t> change_permissions(Call& call) {
  const semid64_ds user = TRY(UserIn<semid64_ds>(call.d()).read());
  TRY(semaphores_of(call).set_permissions(Call::as_int(call.a()), from_user(user.sem_perm), call.thread));
  return std::uint64_t{0};
}

Answer<std::uint64_t> by_place(Call& call, bool anybody) {
  const auto status =
      TRY(semaphores_of(call).status_at(ipc::place_of(Call::as_int(call.a())), anybody ? nullptr : &call.thread.user));
  TRY(write_status(call, status));
  return static_cast<std::uint64_t>(status.id);
}

}  // namespace

Answer<std::uint64_t> semget(Call& call) {
  return static_cast<std::uint64_t>(TRY(
      semaphores_of(call).get(Call::as_int(call.a()), Call::as_int(call.b()), Call::as_int(call.c()), call.thread)));
}

Answer<std::uint64_t> semop(Call& call) { return operate(call, base::never_ns); }

Answer<std::uint64_t> semtimedop(Call& call) {
  if (call.d() == 0) return operate(call, base::never_ns);
  const UserTimespec timeout = TRY(UserIn<UserTimespec>(call.d()).read());
  if (!is_valid(timeout)) return error(EINVAL);
  return operate(call, after(call.thread.now_ns(), to_ns(timeout)));
}

Answer<std::uint64_t> semctl(Call& call) {
  ipc::Semaphores& semaphores = semaphores_of(call);
  const int id = Call::as_int(call.a()), index = Call::as_int(call.b()), command = Call::as_int(call.c());
  const Credentials& user = call.thread.user;
  if (id < 0) return error(EINVAL);
  switch (command) {
    case IPC_INFO:
    case SEM_INFO:
      return information(call, command == SEM_INFO);
    case IPC_STAT:
      return write_status(call, TRY(semaphores.status(id, user)));
    case SEM_STAT:
    case SEM_STAT_ANY:
      return by_place(call, command == SEM_STAT_ANY);
    case GETVAL:
      return std::uint64_t{TRY(semaphores.semaphore(id, index, user)).value};
    case GETPID:
      return static_cast<std::uint64_t>(TRY(semaphores.semaphore(id, index, user)).pid);
    case GETNCNT:
    case GETZCNT:
      return semaphores.waiters(id, index, command == GETZCNT, user);
    case GETALL:
    case SETALL:
      return all_values(call, command == SETALL);
    case SETVAL:
      TRY(semaphores.set_value(id, index, Call::as_int(call.d()), call.process().pid(), call.thread));
      return std::uint64_t{0};
    case IPC_SET:
      return change_permissions(call);
    case IPC_RMID:
      TRY(semaphores.remove(id, user));
      return std::uint64_t{0};
    default:
      return error(EINVAL);
  }
}

}  // namespace linux_abi::calls

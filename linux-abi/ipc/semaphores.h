// SPDX-License-Identifier: Apache-2.0
// System V semaphores of a vNode: pure, with their own lock. Operations that cannot be done wait in the order in which
// they came; whoever changes a set does those that have become possible, so that nobody overtakes (as Linux does it).
#pragma once

#include <boost/intrusive/list.hpp>
#include <span>

#include "kernel/base/spinlock.h"
#include "kernel/base/waiter.h"
#include "linux-abi/files/caller.h"
#include "linux-abi/ipc/table.h"

namespace linux_abi::ipc {

inline constexpr std::uint32_t max_semaphores = 32000;  // of a set: SEMMSL
inline constexpr std::size_t max_operations = 500;      // SEMOPM
inline constexpr int max_semaphore_value = 32767;       // SEMVMX
inline constexpr std::size_t max_semaphore_sets = 32000;
inline constexpr std::uint64_t max_semaphores_of_all = 1'024'000'000;

struct Semaphore {
  std::uint16_t value = 0;
  int pid = 0;  // who changed it last
};

// struct sembuf
struct SemaphoreOperation {
  std::uint16_t index;
  std::int16_t change;
  std::int16_t flags;
};

struct SemaphoreSet final : Entry {
  base::Array<Semaphore> semaphores;
  std::uint64_t operated_seconds = 0, changed_seconds = 0;
  // What is added when the owner ends.
  struct Undo {
    std::uint64_t owner;
    std::uint16_t index;
    std::int32_t change;
  };
  base::Array<Undo> undos;
  struct Waiting : boost::intrusive::list_base_hook<> {
    std::span<const SemaphoreOperation> operations;
    std::uint64_t owner = 0;
    int pid = 0;
    const SemaphoreOperation* blocking = nullptr;
    bool over = false;
    Answer<> outcome;
    base::WaitQueue queue;
  };
  boost::intrusive::list<Waiting, boost::intrusive::constant_time_size<false>> waiting;

  void last_reference_gone();
};
using SemaphoreSetReference = processor::Reference<SemaphoreSet>;

// What SEM_STAT and the like show.
struct SemaphoreSetStatus {
  int id = 0;
  Permissions permissions;
  std::uint64_t operated_seconds = 0, changed_seconds = 0;
  std::uint64_t count = 0;
};

// Who operates: undo values belong to processes.
struct Operator {
  std::uint64_t owner = 0;
  int pid = 0;
};

class Semaphores {
 public:
  Answer<int> get(std::int32_t key, int count, int flags, const Caller& caller);
  // deadline_ns: base::never_ns without one. EAGAIN, EINTR, EIDRM, EFBIG, ERANGE, EACCES.
  Answer<> operate(int id, std::span<const SemaphoreOperation> operations, std::uint64_t deadline_ns, Operator who,
                   Caller& caller);
  Answer<SemaphoreSetStatus> status(int id, const Credentials& user);
  // By place, for SEM_STAT and /proc/sysvipc; without the check of permissions: for everybody.
  Answer<SemaphoreSetStatus> status_at(std::size_t place, const Credentials* user);
  Answer<> set_permissions(int id, const Permissions& fresh, const Caller& caller);
  Answer<> remove(int id, const Credentials& user);
  Answer<Semaphore> semaphore(int id, int index, const Credentials& user);
  // How many wait for it to rise, or to become zero.
  Answer<std::uint64_t> waiters(int id, int index, bool for_zero, const Credentials& user);
  Answer<std::uint32_t> count(int id);
  Answer<> values(int id, std::span<std::uint16_t> to, const Credentials& user);
  Answer<> set_value(int id, int index, int value, int pid, const Caller& caller);
  Answer<> set_values(int id, std::span<const std::uint16_t> from, int pid, const Caller& caller);
  void process_ended(Operator who);

  std::size_t sets();
  std::size_t places();
  std::uint64_t semaphores();

  // /proc/sys/kernel
  Settings settings() {
    const base::SpinGuard guard(lock_);
    return table_.settings();
  }
  void change(Settings settings) {
    const base::SpinGuard guard(lock_);
    table_.change(settings);
  }

 private:
  Answer<SemaphoreSetReference> find_locked(int id, const Credentials& user, std::uint32_t wanted);
  base::SpinLock lock_{base::LockRank::Process};  // guards all
  Table<SemaphoreSet> table_{max_semaphore_sets};
};

}  // namespace linux_abi::ipc

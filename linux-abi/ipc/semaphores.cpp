// SPDX-License-Identifier: Apache-2.0
// System V semaphores: see semaphores.h.
#include "linux-abi/ipc/semaphores.h"

#include <linux/sem.h>

#include <algorithm>

#include "kernel/base/memory.h"
#include "linux-abi/abi/structures.h"

namespace linux_abi::ipc {
namespace {

std::uint64_t seconds(const Caller& caller) { return caller.wall_time_ns() / ns_per_second; }

std::int32_t undo_of(const SemaphoreSet& set, std::uint64_t owner, std::uint16_t index) {
  for (const auto& undo : set.undos)
    if (undo.owner == owner && undo.index == index) return undo.change;
  return 0;
}

Answer<> add_undo(SemaphoreSet& set, std::uint64_t owner, std::uint16_t index, std::int32_t change) {
  for (std::size_t i = 0; i < set.undos.size(); ++i) {
    if (set.undos[i].owner != owner || set.undos[i].index != index) continue;
    set.undos[i].change += change;
    if (set.undos[i].change == 0) set.undos.erase(i);
    return {};
  }
  TRY(set.undos.push_back({owner, index, change}));
  return {};
}

void forget_undos(SemaphoreSet& set, std::uint16_t index) {
  for (std::size_t i = set.undos.size(); i-- > 0;)
    if (set.undos[i].index == index) set.undos.erase(i);
}

enum class Attempt : std::uint8_t { Done, Blocked, Failed };

// One operation on the values as they are by now. ERANGE.
Attempt step(SemaphoreSet& set, const SemaphoreOperation& operation, std::uint64_t owner, Answer<>& outcome) {
  Semaphore& semaphore = set.semaphores[operation.index];
  const int result = semaphore.value + operation.change;
  if (operation.change == 0 ? semaphore.value != 0 : result < 0) {
    if ((operation.flags & IPC_NOWAIT) == 0) return Attempt::Blocked;
    outcome = error(EAGAIN);
    return Attempt::Failed;
  }
  const std::int32_t undone = undo_of(set, owner, operation.index) - operation.change;
  const bool undo = (operation.flags & SEM_UNDO) != 0;
  if (result > max_semaphore_value || (undo && (undone < -max_semaphore_value - 1 || undone > max_semaphore_value))) {
    outcome = error(ERANGE);
    return Attempt::Failed;
  }
  // Room for the undo value is taken before anything is changed.
  if (undo && operation.change != 0) {
    outcome = add_undo(set, owner, operation.index, -operation.change);
    if (!outcome) return Attempt::Failed;
  }
  semaphore.value = static_cast<std::uint16_t>(result);
  return Attempt::Done;
}

// All of the operations or none.
Attempt attempt(SemaphoreSet& set, SemaphoreSet::Waiting& waiting) {
  for (std::size_t i = 0; i < waiting.operations.size(); ++i) {
    const Attempt done = step(set, waiting.operations[i], waiting.owner, waiting.outcome);
    if (done == Attempt::Done) continue;
    waiting.blocking = &waiting.operations[i];
    while (i-- > 0) {
      const SemaphoreOperation& back = waiting.operations[i];
      Semaphore& semaphore = set.semaphores[back.index];
      semaphore.value = static_cast<std::uint16_t>(semaphore.value - back.change);
      // Cannot fail: it was there a moment ago, or becomes what it was before that.
      if ((back.flags & SEM_UNDO) != 0 && back.change != 0) (void)add_undo(set, waiting.owner, back.index, back.change);
    }
    return done;
  }
  for (const SemaphoreOperation& operation : waiting.operations) set.semaphores[operation.index].pid = waiting.pid;
  return Attempt::Done;
}

void finish(SemaphoreSet& set, SemaphoreSet::Waiting& waiting) {
  set.waiting.erase(set.waiting.iterator_to(waiting));
  waiting.over = true;
  waiting.queue.wake_all();
}

// After a change: whatever has become possible, from the one that waits longest.
void do_what_is_possible(SemaphoreSet& set, std::uint64_t now_seconds) {
  for (auto next = set.waiting.begin(); next != set.waiting.end();) {
    SemaphoreSet::Waiting& waiting = *next++;
    const Attempt done = attempt(set, waiting);
    if (done == Attempt::Blocked) continue;
    finish(set, waiting);
    if (done == Attempt::Failed) continue;
    set.operated_seconds = now_seconds;
    next = set.waiting.begin();
  }
}

SemaphoreSetStatus status_of(const SemaphoreSet& set) {
  return {set.id, set.permissions, set.operated_seconds, set.changed_seconds, set.semaphores.size()};
}

}  // namespace

void SemaphoreSet::last_reference_gone() { base::Own<SemaphoreSet>(this).reset(); }

Answer<SemaphoreSetReference> Semaphores::find_locked(int id, const Credentials& user, std::uint32_t wanted) {
  const SemaphoreSetReference set = TRY(table_.find(id));
  TRY(set->permissions.check(user, wanted));
  return set;
}

Answer<int> Semaphores::get(std::int32_t key, int count, int flags, const Caller& caller) {
  if (count < 0 || static_cast<std::uint32_t>(count) > max_semaphores) return error(EINVAL);
  SemaphoreSetReference fresh;
  const base::SpinGuard guard(lock_);
  const SemaphoreSetReference known = TRY(table_.get(key, flags));
  if (known) {
    if (static_cast<std::size_t>(count) > known->semaphores.size()) return error(EINVAL);
    TRY(known->permissions.check(caller.credentials(), static_cast<std::uint32_t>(flags) & 0777));
    return known->id;
  }
  if (count == 0) return error(EINVAL);
  auto made = base::make<SemaphoreSet>();
  if (!made || !made->semaphores.resize(static_cast<std::size_t>(count))) return error(ENOMEM);
  fresh = SemaphoreSetReference(*made.release());
  fresh->permissions = Permissions::of_creator(key, static_cast<std::uint32_t>(flags), caller.credentials());
  fresh->changed_seconds = seconds(caller);
  TRY(table_.add(fresh));
  return fresh->id;
}

Answer<> Semaphores::operate(int id, std::span<const SemaphoreOperation> operations, std::uint64_t deadline_ns,
                             Operator who, Caller& caller) {
  SemaphoreSetReference set;
  SemaphoreSet::Waiting waiting;
  waiting.operations = operations;
  waiting.owner = who.owner;
  waiting.pid = who.pid;
  const bool alters = std::any_of(operations.begin(), operations.end(), [](const auto& op) { return op.change != 0; });
  {
    const base::SpinGuard guard(lock_);
    set = TRY(table_.find(id));
    for (const SemaphoreOperation& operation : operations)
      if (operation.index >= set->semaphores.size()) return error(EFBIG);
    TRY(set->permissions.check(caller.credentials(), alters ? wants_write : wants_read));
    const Attempt done = attempt(*set, waiting);
    if (done == Attempt::Failed) return waiting.outcome;
    if (done == Attempt::Done) {
      set->operated_seconds = seconds(caller);
      if (alters) do_what_is_possible(*set, set->operated_seconds);
      return {};
    }
    set->waiting.push_back(waiting);
  }
  const Answer<> waited = wait_until(caller, lock_, waiting.queue, deadline_ns, [&] { return waiting.over; });
  const base::SpinGuard guard(lock_);
  if (waiting.over) return waiting.outcome;
  set->waiting.erase(set->waiting.iterator_to(waiting));
  // Never restarted, whatever the handler's flags (signal(7)).
  return error(waited.error() == ETIMEDOUT ? EAGAIN : EINTR);
}

Answer<SemaphoreSetStatus> Semaphores::status(int id, const Credentials& user) {
  const base::SpinGuard guard(lock_);
  return status_of(*TRY(find_locked(id, user, wants_read)));
}

Answer<SemaphoreSetStatus> Semaphores::status_at(std::size_t place, const Credentials* user) {
  const base::SpinGuard guard(lock_);
  const SemaphoreSetReference set = TRY(table_.at(place));
  if (user != nullptr) TRY(set->permissions.check(*user, wants_read));
  return status_of(*set);
}

Answer<> Semaphores::set_permissions(int id, const Permissions& fresh, const Caller& caller) {
  const base::SpinGuard guard(lock_);
  const SemaphoreSetReference set = TRY(table_.find(id));
  TRY(set->permissions.check_control(caller.credentials()));
  set->permissions.change(fresh.uid, fresh.gid, fresh.mode);
  set->changed_seconds = seconds(caller);
  return {};
}

Answer<> Semaphores::remove(int id, const Credentials& user) {
  SemaphoreSetReference set;  // ends after the lock
  const base::SpinGuard guard(lock_);
  set = TRY(table_.find(id));
  TRY(set->permissions.check_control(user));
  table_.remove(*set);
  while (!set->waiting.empty()) {
    set->waiting.front().outcome = error(EIDRM);
    finish(*set, set->waiting.front());
  }
  return {};
}

Answer<Semaphore> Semaphores::semaphore(int id, int index, const Credentials& user) {
  const base::SpinGuard guard(lock_);
  const SemaphoreSetReference set = TRY(find_locked(id, user, wants_read));
  if (index < 0 || static_cast<std::size_t>(index) >= set->semaphores.size()) return error(EINVAL);
  return set->semaphores[static_cast<std::size_t>(index)];
}

Answer<std::uint64_t> Semaphores::waiters(int id, int index, bool for_zero, const Credentials& user) {
  const base::SpinGuard guard(lock_);
  const SemaphoreSetReference set = TRY(find_locked(id, user, wants_read));
  if (index < 0 || static_cast<std::size_t>(index) >= set->semaphores.size()) return error(EINVAL);
  return static_cast<std::uint64_t>(std::count_if(set->waiting.begin(), set->waiting.end(), [&](const auto& waiting) {
    return waiting.blocking->index == index && (waiting.blocking->change == 0) == for_zero;
  }));
}

Answer<std::uint32_t> Semaphores::count(int id) {
  const base::SpinGuard guard(lock_);
  return static_cast<std::uint32_t>(TRY(table_.find(id))->semaphores.size());
}

Answer<> Semaphores::values(int id, std::span<std::uint16_t> to, const Credentials& user) {
  const base::SpinGuard guard(lock_);
  const SemaphoreSetReference set = TRY(find_locked(id, user, wants_read));
  for (std::size_t i = 0; i < std::min(to.size(), set->semaphores.size()); ++i) to[i] = set->semaphores[i].value;
  return {};
}

Answer<> Semaphores::set_value(int id, int index, int value, int pid, const Caller& caller) {
  if (value < 0 || value > max_semaphore_value) return error(ERANGE);
  const base::SpinGuard guard(lock_);
  const SemaphoreSetReference set = TRY(table_.find(id));
  if (index < 0 || static_cast<std::size_t>(index) >= set->semaphores.size()) return error(EINVAL);
  TRY(set->permissions.check(caller.credentials(), wants_write));
  set->semaphores[static_cast<std::size_t>(index)] = {static_cast<std::uint16_t>(value), pid};
  forget_undos(*set, static_cast<std::uint16_t>(index));
  set->changed_seconds = seconds(caller);
  do_what_is_possible(*set, set->changed_seconds);
  return {};
}

Answer<> Semaphores::set_values(int id, std::span<const std::uint16_t> from, int pid, const Caller& caller) {
  const base::SpinGuard guard(lock_);
  const SemaphoreSetReference set = TRY(find_locked(id, caller.credentials(), wants_write));
  if (std::any_of(from.begin(), from.end(), [](std::uint16_t value) { return value > max_semaphore_value; }))
    return error(ERANGE);
  for (std::size_t i = 0; i < std::min(from.size(), set->semaphores.size()); ++i) set->semaphores[i] = {from[i], pid};
  set->undos.clear();
  set->changed_seconds = seconds(caller);
  do_what_is_possible(*set, set->changed_seconds);
  return {};
}

void Semaphores::process_ended(Operator who) {
  const base::SpinGuard guard(lock_);
  for (std::size_t place = 0; place < table_.places(); ++place) {
    const auto set = table_.at(place);
    if (!set) continue;
    SemaphoreSet& ended = **set;
    bool any = false;
    for (std::size_t i = ended.undos.size(); i-- > 0;) {
      const SemaphoreSet::Undo undo = ended.undos[i];
      if (undo.owner != who.owner) continue;
      Semaphore& semaphore = ended.semaphores[undo.index];
      semaphore.value = static_cast<std::uint16_t>(std::clamp(semaphore.value + undo.change, 0, max_semaphore_value));
      semaphore.pid = who.pid;
      ended.undos.erase(i);
      any = true;
    }
    if (any) do_what_is_possible(ended, ended.operated_seconds);
  }
}

std::size_t Semaphores::sets() {
  const base::SpinGuard guard(lock_);
  return table_.used();
}

std::size_t Semaphores::places() {
  const base::SpinGuard guard(lock_);
  return table_.places();
}

std::uint64_t Semaphores::semaphores() {
  const base::SpinGuard guard(lock_);
  std::uint64_t all = 0;
  for (std::size_t place = 0; place < table_.places(); ++place)
    if (const auto set = table_.at(place)) all += (*set)->semaphores.size();
  return all;
}

}  // namespace linux_abi::ipc

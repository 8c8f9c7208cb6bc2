// SPDX-License-Identifier: Apache-2.0
// Advisory locks: see file_locks.h.
#include "linux-abi/files/file_locks.h"

#include <algorithm>

#include "kernel/base/array.h"
#include "linux-abi/files/node.h"

namespace linux_abi {
namespace {

struct Held {
  const Node* node;
  LockOwner owner;
  LockRange range;
  LockKind kind;
  bool whole;  // flock
};
// Who waits for whose lock; for EDEADLK.
struct Waiting {
  std::uint64_t waiter, holder;
};

base::SpinLock locks_lock{base::LockRank::Process};  // guards all below
base::Array<Held> locks;
base::Array<Waiting> waits;
base::WaitQueue changed;

bool overlap(LockRange a, LockRange b) { return a.start < b.end && b.start < a.end; }

// The one that begins first, of those that stand in the way.
const Held* conflict_locked(const Node& node, const LockOwner& owner, LockRange range, LockKind kind, bool whole) {
  const Held* first = nullptr;
  for (const Held& held : locks)
    if (held.node == &node && held.whole == whole && held.owner.id != owner.id && overlap(held.range, range) &&
        (kind == LockKind::Exclusive || held.kind == LockKind::Exclusive) &&
        (first == nullptr || held.range.start < first->range.start))
      first = &held;
  return first;
}

// Takes a range out of what the owner holds: parts before and after it stay. Two slots may be needed.
base::Result<> cut_locked(const Node& node, std::uint64_t owner, LockRange range, bool whole) {
  TRY(locks.reserve(locks.size() + 2));
  for (std::size_t i = 0; i < locks.size();) {
    const Held held = locks[i];
    if (held.node != &node || held.owner.id != owner || held.whole != whole || !overlap(held.range, range)) {
      ++i;
      continue;
    }
    locks.erase(i);
    Held before = held, after = held;
    before.range.end = range.start;
    after.range.start = range.end;
    if (before.range.start < before.range.end) TRY(locks.push_back(before));
    if (after.range.start < after.range.end) TRY(locks.push_back(after));
  }
  return {};
}

// Locks of one kind that touch or overlap are one lock, as F_GETLK shows.
base::Result<> add_locked(Held added) {
  for (std::size_t i = 0; i < locks.size();) {
    const Held held = locks[i];
    const bool same = held.node == added.node && held.owner.id == added.owner.id && held.whole == added.whole;
    if (!same || held.kind != added.kind || held.range.end < added.range.start || added.range.end < held.range.start) {
      ++i;
      continue;
    }
    added.range.start = std::min(added.range.start, held.range.start);
    added.range.end = std::max(added.range.end, held.range.end);
    locks.erase(i);
  }
  return locks.push_back(added);
}

bool would_deadlock(std::uint64_t waiter, std::uint64_t holder) {
  for (std::size_t steps = 0; steps <= waits.size(); ++steps) {
    if (holder == waiter) return true;
    const auto* next = std::find_if(waits.begin(), waits.end(), [&](const Waiting& w) { return w.waiter == holder; });
    if (next == waits.end()) return false;
    holder = next->holder;
  }
  return false;
}

void stop_waiting_locked(std::uint64_t waiter) {
  const auto* found = std::find_if(waits.begin(), waits.end(), [&](const Waiting& w) { return w.waiter == waiter; });
  if (found != waits.end()) waits.erase(static_cast<std::size_t>(found - waits.begin()));
}

Answer<> take(Node& node, const LockOwner& owner, LockRange range, LockKind kind, bool wait, bool whole,
              Caller& caller) {
  Answer<> outcome;
  const auto ready = [&] {
    stop_waiting_locked(owner.id);
    const Held* held = conflict_locked(node, owner, range, kind, whole);
    if (held == nullptr) {
      auto done = cut_locked(node, owner.id, range, whole);
      if (done) done = add_locked({&node, owner, range, kind, whole});
      outcome = done ? Answer<>() : error(ENOLCK);
      changed.wake_all();
      return true;
    }
    if (!wait) outcome = error(EAGAIN);
    // Descriptions do not wait: threads do, and which of them would let go cannot be known.
    if (wait && !whole && owner.pid > 0 && would_deadlock(owner.id, held->owner.id)) outcome = error(EDEADLK);
    if (outcome && !waits.push_back({owner.id, held->owner.id})) outcome = error(ENOLCK);
    return !outcome;
  };
  const Answer<> waited = wait_until(caller, locks_lock, changed, base::never_ns, ready);
  if (!waited) {
    const base::SpinGuard guard(locks_lock);
    stop_waiting_locked(owner.id);
    return waited;
  }
  return outcome;
}

constexpr LockRange everything{0, ~std::uint64_t{0}};

}  // namespace

LockHolder find_conflict(const Node& node, const LockOwner& owner, LockRange range, LockKind kind) {
  const base::SpinGuard guard(locks_lock);
  const Held* held = conflict_locked(node, owner, range, kind, false);
  if (held == nullptr) return {};
  return {held->owner.pid, held->kind, held->range};
}

Answer<> take_record_lock(Node& node, const LockOwner& owner, LockRange range, LockKind kind, bool wait,
                          Caller& caller) {
  return take(node, owner, range, kind, wait, false, caller);
}

Answer<> release_record_lock(Node& node, const LockOwner& owner, LockRange range) {
  const base::SpinGuard guard(locks_lock);
  const auto done = cut_locked(node, owner.id, range, false);
  changed.wake_all();
  return done ? Answer<>() : error(ENOLCK);
}

void release_record_locks(const Node& node, std::uint64_t owner) {
  const base::SpinGuard guard(locks_lock);
  bool any = false;
  for (std::size_t i = 0; i < locks.size();) {
    if (locks[i].node == &node && locks[i].owner.id == owner && !locks[i].whole) {
      locks.erase(i);
      any = true;
    } else {
      ++i;
    }
  }
  if (any) changed.wake_all();
}

Answer<> take_whole_lock(Node& node, const LockOwner& owner, LockKind kind, bool wait, Caller& caller) {
  return take(node, owner, everything, kind, wait, true, caller);
}

void release_whole_lock(const Node& node, const LockOwner& owner) {
  const base::SpinGuard guard(locks_lock);
  bool any = false;
  for (std::size_t i = 0; i < locks.size();) {
    if (locks[i].node == &node && locks[i].owner.id == owner.id && locks[i].whole) {
      locks.erase(i);
      any = true;
    } else {
      ++i;
    }
  }
  if (any) changed.wake_all();
}

Answer<base::Array<ShownLock>> all_locks() {
  base::Array<ShownLock> shown;
  const base::SpinGuard guard(locks_lock);
  // Who holds a lock has the file open, and lets go of the lock before the node can end.
  for (const Held& held : locks)
    TRY(shown.push_back({processor::Reference<Node>(const_cast<Node&>(*held.node)), held.owner.pid, held.whole,
                         held.kind, held.range}));
  return shown;
}

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Leases: see leases.h. A lease ends with its open file.
#include "linux-abi/files/leases.h"

#include <asm/poll.h>

#include <algorithm>

#include "kernel/base/memory.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/files/file_owner.h"
#include "linux-abi/files/node.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {
namespace {

constexpr int code_message = 3;  // POLL_MSG
constexpr std::int32_t message_band = POLLIN | POLLRDNORM | POLLMSG;

base::SpinLock leases_lock{base::LockRank::Process};
base::WaitQueue changed;             // with leases_lock
std::atomic<std::uint32_t> held{0};  // relaxed: an open that does not see a lease yet came before it

class Lease final : public FileEnd, public boost::intrusive::list_base_hook<> {
 public:
  Lease(OpenFile& held_file, LeaseKind held_kind) : file(held_file), node(held_file.node()), kind(held_kind) {}
  void file_ended() override;

  OpenFile& file;
  const Node* const node;
  // By leases_lock:
  LeaseKind kind;
  LeaseKind wanted = LeaseKind::None;  // what it is to come down to
  bool breaking = false;
  std::uint64_t deadline_ns = base::never_ns;
};

boost::intrusive::list<Lease, boost::intrusive::constant_time_size<false>> leases;  // guarded by leases_lock

Lease* find_locked(const OpenFile& file) {
  const auto found = std::find_if(leases.begin(), leases.end(), [&](const Lease& each) { return &each.file == &file; });
  return found == leases.end() ? nullptr : &*found;
}

// With poll_sets_mutex, which guards the ends of files.
void remove(Lease& lease) {
  {
    const base::SpinGuard guard(leases_lock);
    leases.erase(leases.iterator_to(lease));
    changed.wake_all();
  }
  held.fetch_sub(1, std::memory_order_relaxed);
  lease.file.remove_end(lease);
  base::Own<Lease>(&lease).reset();
}

void Lease::file_ended() { remove(*this); }

// The file is open in no other way than the lease allows.
Answer<> check_opens(OpenFile& file, LeaseKind kind) {
  const Node& node = *file.node();
  if (kind == LeaseKind::Read ? node.is_written() : node.opens() != 1) return error(EAGAIN);
  const base::SpinGuard guard(leases_lock);
  for (const Lease& other : leases)
    if (other.node == &node && &other.file != &file && (kind == LeaseKind::Write || other.kind == LeaseKind::Write))
      return error(EAGAIN);
  return {};
}

Answer<> release(OpenFile& file) {
  const threads::MutexGuard guard(poll_sets_mutex);
  Lease* lease = nullptr;
  {
    const base::SpinGuard lock(leases_lock);
    lease = find_locked(file);
  }
  if (lease == nullptr) return error(EAGAIN);
  remove(*lease);
  return {};
}

// Whether there was one; it has the new kind then, unless it is to end.
Answer<bool> change_known(OpenFile& file, LeaseKind kind) {
  const base::SpinGuard guard(leases_lock);
  Lease* lease = find_locked(file);
  if (lease == nullptr) return false;
  if (lease->breaking && (lease->wanted == LeaseKind::None || kind == LeaseKind::Write)) return error(EAGAIN);
  lease->kind = kind;
  lease->breaking = false;
  changed.wake_all();
  return true;
}

bool excludes(LeaseKind kind, LeaseUse use) { return use == LeaseUse::Writes || kind == LeaseKind::Write; }

// A holder's time is over: it has come down without knowing.
void come_down_locked(Lease& lease) {
  lease.kind = lease.wanted;
  lease.breaking = false;
}

// One that has not been told yet; told: it is to come down.
Lease* next_untold_locked(const Node& node, LeaseUse use, std::uint64_t now_ns) {
  const LeaseKind target = use == LeaseUse::Writes ? LeaseKind::None : LeaseKind::Read;
  for (Lease& lease : leases) {
    if (lease.node != &node || lease.kind == LeaseKind::None || !excludes(lease.kind, use)) continue;
    if (lease.breaking && (lease.wanted == LeaseKind::None || target == LeaseKind::Read)) continue;
    const bool first = !lease.breaking;
    lease.breaking = true;
    lease.wanted = target;
    const std::uint64_t seconds = lease_break_seconds.load(std::memory_order_relaxed);
    if (first) lease.deadline_ns = seconds == 0 ? base::never_ns : after(now_ns, seconds * ns_per_second);
    return &lease;
  }
  return nullptr;
}

// When the first of those that stand in the way has to be gone; 0: none does.
std::uint64_t next_deadline_locked(const Node& node, LeaseUse use, std::uint64_t now_ns) {
  std::uint64_t next = 0;
  for (Lease& lease : leases) {
    if (lease.node != &node || lease.kind == LeaseKind::None || !excludes(lease.kind, use)) continue;
    if (lease.breaking && lease.deadline_ns <= now_ns) {
      come_down_locked(lease);
      continue;
    }
    next = next == 0 ? lease.deadline_ns : std::min(next, lease.deadline_ns);
  }
  return next;
}

void tell_holders(const Node& node, LeaseUse use, std::uint64_t now_ns) {
  const threads::MutexGuard ends(poll_sets_mutex);  // so that no file ends meanwhile
  while (true) {
    Lease* lease = nullptr;
    {
      const base::SpinGuard guard(leases_lock);
      lease = next_untold_locked(node, use, now_ns);
    }
    if (lease == nullptr) return;
    lease->file.owner()->tell(code_message, message_band);
  }
}

}  // namespace

Answer<> set_lease(OpenFile& file, int descriptor, LeaseKind kind, Thread& by) {
  if (file.node() == nullptr || file.node()->type() != file_mode::regular || !file.was_opened()) return error(EINVAL);
  const FileStatus status = TRY(file.node()->status(by));
  if (by.user.file_uid != status.uid && !by.user.may(Capability::Lease)) return error(EACCES);
  if (kind == LeaseKind::None) return release(file);
  FileOwner* owner = TRY(FileOwner::of(file));
  auto fresh = base::make<Lease>(file, kind);
  if (!fresh) return error(ENOMEM);
  const threads::MutexGuard guard(poll_sets_mutex);
  TRY(check_opens(file, kind));
  if (TRY(change_known(file, kind))) return {};
  owner->set_default(by);
  owner->set_descriptor(descriptor);
  held.fetch_add(1, std::memory_order_relaxed);
  file.add_end(*fresh);
  const base::SpinGuard lock(leases_lock);
  leases.push_back(*fresh.release());
  return {};
}

LeaseKind lease_of(const OpenFile& file) {
  const base::SpinGuard guard(leases_lock);
  const Lease* lease = find_locked(file);
  if (lease == nullptr) return LeaseKind::None;
  return lease->breaking ? lease->wanted : lease->kind;
}

Answer<> break_leases(const Node& node, LeaseUse use, bool non_blocking, Caller& caller) {
  if (held.load(std::memory_order_relaxed) == 0) return {};
  while (true) {
    tell_holders(node, use, caller.now_ns());
    std::uint64_t deadline_ns = 0;
    {
      const base::SpinGuard guard(leases_lock);
      deadline_ns = next_deadline_locked(node, use, caller.now_ns());
      if (deadline_ns == 0) return {};
    }
    if (non_blocking) return error(EWOULDBLOCK);
    const auto ready = [&] { return next_deadline_locked(node, use, caller.now_ns()) == 0; };
    const Answer<> waited = wait_until(caller, leases_lock, changed, deadline_ns, ready);
    if (!waited && waited.error() != ETIMEDOUT) return waited;
  }
}

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// mlock and its siblings. Pages are brought in, but cannot be held in the ExCache: what stays is the account, which
// RLIMIT_MEMLOCK binds (process/locked_memory.h; guarded by the tasks lock).
#include <linux/mman.h>

#include "linux-abi/calls/calls_memory.h"
#include "linux-abi/calls/memory_areas.h"
#include "linux-abi/process/memory_information.h"

namespace linux_abi::calls {

using base::page_bytes;
using base::UserVa;

namespace {

enum class BringIn : std::uint8_t { Now, WhenTouched };

// The whole pages of the range. EINVAL.
Answer<vma::Range> pages_of(std::uint64_t address, std::uint64_t length) {
  const std::uint64_t start = base::round_down(address, page_bytes);
  if (length > ~std::uint64_t{0} - address - page_bytes) return error(EINVAL);
  const std::uint64_t bytes = base::round_up(address + length, page_bytes) - start;
  if (!arch::is_user_range(UserVa(start), bytes)) return error(ENOMEM);
  return vma::Range::of(UserVa(start), bytes);
}

bool locks_memory(Call& call) { return call.process().has_locked_memory.load(std::memory_order_relaxed); }

LockedMemory::Range as_numbers(const vma::Range& range) { return {range.start.value(), range.end.value()}; }

// As Linux brings in what is locked or to be populated: private memory is made the process's own.
arch::TouchFor first_use_of(const vma::Vma& area) {
  const bool own = vma::has(area.protection, vma::Protection::Write) && !area.shared();
  return own ? arch::TouchFor::Write : arch::TouchFor::Read;
}

// room: how many bytes may be brought in yet; what is more than all free memory is not begun with.
Answer<> bring_in(const vma::Vma& area, std::uint64_t& room) {
  if (area.protection == vma::Protection::None || area.range.bytes() > room) return error(ENOMEM);
  room -= area.range.bytes();
  return touch_pages(area.range, first_use_of(area)) ? Answer<>() : error(ENOMEM);
}

// EPERM: may not lock at all.
Answer<std::uint64_t> most_bytes(Call& call) {
  if (call.thread.user.may(Capability::LockMemory)) return unlimited;
  const std::uint64_t limit = call.thread.limit(static_cast<int>(Resource::LockedMemory));
  return limit == 0 ? Answer<std::uint64_t>(error(EPERM)) : limit;
}

Answer<std::uint64_t> lock(Call& call, BringIn when) {
  const std::uint64_t most = TRY(most_bytes(call));
  const vma::Range range = TRY(pages_of(call.a(), call.b()));
  LockedMemory& locked = call.process().locked_memory;
  {
    const base::SpinGuard guard(tasks_lock);
    if (locked.bytes() + range.bytes() - locked.bytes_in(as_numbers(range)) > most) return error(ENOMEM);
  }
  if (range.bytes() == 0) return std::uint64_t{0};
  call.process().has_locked_memory.store(true, std::memory_order_relaxed);
  std::uint64_t room = memory_information().free_bytes;
  const Answer<> done = for_each_area(call, range, [&](const vma::Vma& area) -> Answer<> {
    {
      const base::SpinGuard guard(tasks_lock);
      TRY(locked.add(as_numbers(area.range)));
    }
    return when == BringIn::Now ? bring_in(area, room) : Answer<>();
  });
  return done ? Answer<std::uint64_t>(0) : std::unexpected(done.error());
}

}  // namespace

Answer<std::uint64_t> mlock(Call& call) { return lock(call, BringIn::Now); }

Answer<std::uint64_t> mlock2(Call& call) {
  if ((call.c() & ~std::uint64_t{MLOCK_ONFAULT}) != 0) return error(EINVAL);
  return lock(call, call.c() == 0 ? BringIn::Now : BringIn::WhenTouched);
}

Answer<std::uint64_t> munlock(Call& call) {
  const vma::Range range = TRY(pages_of(call.a(), call.b()));
  {
    const base::SpinGuard guard(tasks_lock);
    TRY(call.process().locked_memory.remove(as_numbers(range)));
  }
  if (range.bytes() != 0) TRY(for_each_area(call, range, [](const vma::Vma&) { return Answer<>(); }));
  return std::uint64_t{0};
}

Answer<std::uint64_t> mlockall(Call& call) {
  const int flags = Call::as_int(call.a());
  if (flags == 0 || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0 || flags == MCL_ONFAULT)
    return error(EINVAL);
  const std::uint64_t most = TRY(most_bytes(call));
  processor::AddressSpace& space = call.process().space();
  const bool current = (flags & MCL_CURRENT) != 0;
  call.process().has_locked_memory.store(true, std::memory_order_relaxed);
  if (current && processor::usage(space).mapped > most / page_bytes) return error(ENOMEM);
  {
    const base::SpinGuard guard(tasks_lock);
    call.process().locks_future_memory = (flags & MCL_FUTURE) != 0;
  }
  vma::Vma area;
  std::uint64_t room = memory_information().free_bytes;
  for (UserVa at(0); current && processor::list_vmas(space, at, std::span(&area, 1)) != 0; at = area.range.end) {
    {
      const base::SpinGuard guard(tasks_lock);
      TRY(call.process().locked_memory.add(as_numbers(area.range)));
    }
    // What cannot be had now (beyond a file's end, no access) is no error.
    if ((flags & MCL_ONFAULT) == 0) (void)bring_in(area, room);
  }
  return std::uint64_t{0};
}

Answer<std::uint64_t> munlockall(Call& call) {
  const base::SpinGuard guard(tasks_lock);
  call.process().locked_memory.clear();
  call.process().locks_future_memory = false;
  return std::uint64_t{0};
}

Answer<> check_locked_mapping(Call& call, std::uint64_t bytes, bool asked) {
  if (!asked && !locks_memory(call)) return {};
  const base::SpinGuard guard(tasks_lock);
  if (!asked && !call.process().locks_future_memory) return {};
  if (call.thread.user.may(Capability::LockMemory)) return {};
  const Limit limit = call.process().limits.of(Resource::LockedMemory);
  if (asked && limit.soft == 0) return error(EPERM);
  return call.process().locked_memory.bytes() + bytes > limit.soft ? Answer<>(error(EAGAIN)) : Answer<>();
}

bool note_mapping(Call& call, const vma::Range& range, bool locked) {
  if (!locked && !locks_memory(call)) return false;
  call.process().has_locked_memory.store(true, std::memory_order_relaxed);
  const base::SpinGuard guard(tasks_lock);
  // What was there before is not any more.
  LockedMemory& all = call.process().locked_memory;
  (void)all.remove(as_numbers(range));
  if (!locked && !call.process().locks_future_memory) return false;
  (void)all.add(as_numbers(range));
  return true;
}

void populate_mapping(Call& call, const vma::Range& range) {
  std::uint64_t room = memory_information().free_bytes;
  (void)for_each_area(call, range, [&](const vma::Vma& area) { return bring_in(area, room); });
}

bool is_locked(Call& call, const vma::Range& range) {
  if (!locks_memory(call)) return false;
  const base::SpinGuard guard(tasks_lock);
  return call.process().locked_memory.bytes_in(as_numbers(range)) != 0;
}

void note_unmapping(Call& call, const vma::Range& range) {
  if (!locks_memory(call)) return;
  const base::SpinGuard guard(tasks_lock);
  (void)call.process().locked_memory.remove(as_numbers(range));
}

}  // namespace linux_abi::calls

// SPDX-License-Identifier: Apache-2.0
// Looking into other processes: see inspection.h.
#include "linux-abi/process/inspection.h"

#include <algorithm>

#include "arch/x86_64/user_copy.h"

namespace linux_abi {

using processor::AddressSpace;
using processor::Reference;

Thread* find_live_locked(Pids& pids, int tid) {
  const PidEntry* entry = pids.find(tid);
  if (entry == nullptr) return nullptr;
  if (entry->thread != nullptr) return entry->thread;
  Thread* any = nullptr;
  if (entry->process != nullptr && entry->process->live_threads > 0)
    entry->process->for_each_thread([&](processor::Thread& each) {
      auto& thread = static_cast<Thread&>(each);
      if (any == nullptr && !thread.exiting) any = &thread;
    });
  return any;
}

Answer<Thread*> find_inspectable_locked(Thread& by, int tid) {
  Thread* thread = find_live_locked(by.process().vnode().pids, tid);
  if (thread == nullptr) return error(tid == kernel_pid && !may_inspect_init(by) ? EPERM : ESRCH);
  if (!may_inspect_locked(by, *thread)) return error(EPERM);
  return thread;
}

Answer<Inspected> inspect(Thread& by, int tid, InspectFor purpose) {
  Inspected found;
  const base::SpinGuard guard(tasks_lock);
  if (tid == kernel_pid) {
    if (purpose == InspectFor::Permitted && !may_inspect_init(by)) return error(EPERM);
    found.limits = by.process().vnode().init.limits;
    return found;
  }
  Pids& pids = by.process().vnode().pids;
  const Thread* thread = find_live_locked(pids, tid);
  if (thread == nullptr) {
    const PidEntry* entry = pids.find(tid);
    return entry == nullptr || entry->process == nullptr ? error(ESRCH) : Answer<Inspected>(found);
  }
  if (purpose == InspectFor::Permitted && !may_inspect_locked(by, *thread)) return error(EPERM);
  const Process& process = thread->process();
  found.space = process.share_space();
  found.descriptors = process.descriptors;
  found.files = process.files;
  found.actions = process.actions;
  found.program = process.program;
  found.arguments_start = process.arguments_start;
  found.arguments_end = process.arguments_end;
  found.environment_end = process.environment_end;
  found.auxiliary = process.auxiliary;
  found.limits = process.limits;
  found.serial = process.serial();
  return found;
}

std::size_t read_memory(const Reference<AddressSpace>& space, std::uint64_t address, std::span<std::byte> to) {
  if (!space) return 0;
  const processor::BorrowedSpace borrowed(space);
  return arch::copy_from_user_partial(to, base::UserVa(address));
}

std::size_t write_memory(const Reference<AddressSpace>& space, std::uint64_t address, std::span<const std::byte> from) {
  if (!space) return 0;
  const processor::BorrowedSpace borrowed(space);
  return arch::copy_to_user_partial(base::UserVa(address), from);
}

namespace {

// One page at a time: with another protection for as long as the copy takes, if it has to be.
template <typename Copy>
std::size_t force(const Reference<AddressSpace>& space, std::uint64_t address, std::size_t bytes,
                  vma::Protection needed, processor::Sleeper& sleeper, Copy copy) {
  std::size_t done = 0;
  while (done < bytes && space) {
    const base::UserVa at(address + done);
    const std::size_t piece = std::min<std::size_t>(bytes - done, base::page_bytes - at.value() % base::page_bytes);
    std::size_t copied = copy(at.value(), done, piece);
    if (copied < piece) {
      const auto area = processor::vma_at(*space, at);
      if (!area || vma::has(area->protection, needed) || area->shared()) return done + copied;
      const auto page = vma::Range::of(base::UserVa(base::round_down(at.value(), base::page_bytes)), base::page_bytes);
      const vma::Protection opened = area->protection | vma::Protection::Read | needed;
      if (!processor::protect(*space, page, opened, sleeper)) return done + copied;
      copied = copy(at.value(), done, piece);
      (void)processor::protect(*space, page, area->protection, sleeper);
      if (copied < piece) return done + copied;
    }
    done += piece;
  }
  return done;
}

}  // namespace

std::size_t force_read(const Reference<AddressSpace>& space, std::uint64_t address, std::span<std::byte> to,
                       processor::Sleeper& sleeper) {
  return force(space, address, to.size(), vma::Protection::Read, sleeper,
               [&](std::uint64_t at, std::size_t done, std::size_t bytes) {
                 return read_memory(space, at, to.subspan(done, bytes));
               });
}

std::size_t force_write(const Reference<AddressSpace>& space, std::uint64_t address, std::span<const std::byte> from,
                        processor::Sleeper& sleeper) {
  return force(space, address, from.size(), vma::Protection::Write, sleeper,
               [&](std::uint64_t at, std::size_t done, std::size_t bytes) {
                 return write_memory(space, at, from.subspan(done, bytes));
               });
}

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Looking into other processes: who may (ptrace(2), "access mode checking"), and how it is done although they may end,
// execute something else or close their files meanwhile: by references that are taken under tasks_lock.
#pragma once

#include <span>

#include "linux-abi/process/thread.h"

namespace linux_abi {

// With tasks_lock. Of the same user and group throughout, and a process that lets itself be looked at; or
// CAP_SYS_PTRACE.
inline bool may_inspect_locked(const Thread& by, const Thread& target) {
  if (&by.process() == &target.process()) return true;
  const Credentials &own = by.user, &other = target.user;
  const bool same = own.uid == other.uid && own.uid == other.effective_uid && own.uid == other.saved_uid &&
                    own.gid == other.gid && own.gid == other.effective_gid && own.gid == other.saved_gid;
  return (same && target.process().dumpable != 0) || own.may(Capability::Trace);
}

// The vNode's init, which is root's.
inline bool may_inspect_init(const Thread& by) { return by.user.may(Capability::Trace); }

// The thread of this tid, or any of the process whose leader had it and left; nullptr. With tasks_lock.
Thread* find_live_locked(Pids& pids, int tid);

// ESRCH, also of the vNode's init, which is no thread; EPERM: it may not be looked into. With tasks_lock.
Answer<Thread*> find_inspectable_locked(Thread& by, int tid);

// What a process has, as of one moment. Of a zombie, and of the kernel's own process, nothing is there.
struct Inspected {
  processor::Reference<processor::AddressSpace> space;
  processor::Reference<DescriptorTable> descriptors;
  processor::Reference<FileContext> files;
  processor::Reference<SharedActions> actions;
  OpenFileReference program;
  std::uint64_t arguments_start = 0, arguments_end = 0, environment_end = 0;
  AuxiliaryVector auxiliary;
  Limits limits;
  std::uint64_t serial = 0;
};
enum class InspectFor : std::uint8_t {
  Everybody,  // what Linux tells everybody
  Permitted,  // EPERM without permission
};
// ESRCH. tid: of a process or one of its threads.
Answer<Inspected> inspect(Thread& by, int tid, InspectFor purpose);

// Copies from and to the space, from any thread; how many bytes could be copied.
std::size_t read_memory(const processor::Reference<processor::AddressSpace>& space, std::uint64_t address,
                        std::span<std::byte> to);
std::size_t write_memory(const processor::Reference<processor::AddressSpace>& space, std::uint64_t address,
                         std::span<const std::byte> from);
// Also where the program itself may not write (a debugger's breakpoints), or read.
std::size_t force_read(const processor::Reference<processor::AddressSpace>& space, std::uint64_t address,
                       std::span<std::byte> to, processor::Sleeper& sleeper);
std::size_t force_write(const processor::Reference<processor::AddressSpace>& space, std::uint64_t address,
                        std::span<const std::byte> from, processor::Sleeper& sleeper);

}  // namespace linux_abi

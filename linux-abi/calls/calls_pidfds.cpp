// SPDX-License-Identifier: Apache-2.0
// Calls about processes by descriptor (pidfd_open(2) and its siblings): see calls_process.h.
#include <asm/mman.h>
#include <linux/fcntl.h>

#include "arch/x86_64/user_copy.h"
#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/calls_process.h"
#include "linux-abi/calls/calls_signals.h"
#include "linux-abi/calls/user_io.h"
#include "linux-abi/files/node.h"
#include "linux-abi/files/process_file.h"
#include "linux-abi/process/inspection.h"
#include "linux-abi/process/signal_sending.h"

namespace linux_abi::calls {
namespace {

// The vNode's init is no Process.
bool names_init(OpenFile& file) {
  if (const ProcessFile* named = file.process_file()) return named->names_init();
  return file.node() != nullptr && file.node()->process() == kernel_pid;
}

// The process that a pidfd, or a directory of /proc, names; tasks_lock is held. EBADF, ESRCH.
Answer<Process*> named_by_locked(Call& call, OpenFile& file) {
  if (ProcessFile* named = file.process_file()) {
    Process* process = named->find_locked();
    return process == nullptr ? error(ESRCH) : Answer<Process*>(process);
  }
  if (file.node() == nullptr || file.node()->process() == 0) return error(EBADF);
  const PidEntry* entry = call.process().vnode().pids.find(file.node()->process());
  if (entry == nullptr || entry->process == nullptr) return error(ESRCH);
  return entry->process;
}

}  // namespace

Answer<std::uint64_t> pidfd_open(Call& call) {
  const int pid = Call::as_int(call.a());
  const std::uint64_t flags = call.b() & 0xffffffff;
  if ((flags & ~std::uint64_t{O_NONBLOCK}) != 0 || pid <= 0) return error(EINVAL);
  auto file = TRY(ProcessFile::create(call.process().share_vnode(), static_cast<int>(flags)));
  if (pid == kernel_pid) {
    file->name_init();
  } else {
    const base::SpinGuard guard(tasks_lock);
    const PidEntry* entry = call.process().vnode().pids.find(pid);
    if (entry == nullptr || (entry->process == nullptr && entry->thread == nullptr)) return error(ESRCH);
    if (entry->process == nullptr) return error(EINVAL);  // a thread that leads nobody
    file->name_locked(*entry->process);
  }
  return install(call, OpenFileReference(*file), true);
}

Answer<std::uint64_t> pidfd_send_signal(Call& call) {
  const int signal = Call::as_int(call.b());
  if ((call.d() & 0xffffffff) != 0) return error(EINVAL);
  const OpenFileReference file = TRY(call.thread.descriptors().get(Call::as_int(call.a())));
  if (signal < 0 || signal > max_signal) return error(EINVAL);
  SignalInformation information = signal_from_user(call, signal, sig::code::user);
  bool only_kernel_sends = false;
  if (call.c() != 0) {
    SignalInformationBytes bytes;
    TRY(call.thread.copy_in(bytes, call.c()));
    information = from_user_layout(bytes);
    if (information.signal != signal) return error(EINVAL);
    only_kernel_sends = information.code >= 0 || information.code == sig::code::tkill;
  }
  const base::SpinGuard guard(tasks_lock);
  if (names_init(*file)) {
    if (only_kernel_sends || !call.process().vnode().init.may_be_signalled_by(call.thread.user)) return error(EPERM);
    return std::uint64_t{0};
  }
  Process* process = TRY(named_by_locked(call, *file));
  if (only_kernel_sends && process != &call.process()) return error(EPERM);
  if (!may_signal(call.thread.user, call.process(), *process, signal)) return error(EPERM);
  TRY(send_to_process_locked(*process, information));
  return std::uint64_t{0};
}

Answer<std::uint64_t> pidfd_getfd(Call& call) {
  if ((call.c() & 0xffffffff) != 0) return error(EINVAL);
  const OpenFileReference file = TRY(call.thread.descriptors().get(Call::as_int(call.a())));
  if (file->process_file() == nullptr) return error(EBADF);
  if (names_init(*file)) return error(may_inspect_init(call.thread) ? EBADF : EPERM);
  processor::Reference<DescriptorTable> descriptors;
  {
    const base::SpinGuard guard(tasks_lock);
    const Process* process = TRY(named_by_locked(call, *file));
    TRY(find_inspectable_locked(call.thread, process->pid()));
    if (!process->descriptors) return error(ESRCH);
    descriptors = process->descriptors;
  }
  return install(call, TRY(descriptors->get(Call::as_int(call.b()))), true);
}

// Of the advice that it takes none has an effect, as of madvise(2).
Answer<std::uint64_t> process_madvise(Call& call) {
  if ((call.e() & 0xffffffff) != 0) return error(EINVAL);
  const auto vectors = TRY(read_vectors(call.b(), call.c()));
  const OpenFileReference file = TRY(call.thread.descriptors().get(Call::as_int(call.a())));
  const int advice = Call::as_int(call.d());
  processor::Reference<processor::AddressSpace> space;
  {
    const base::SpinGuard guard(tasks_lock);
    const Process* process = TRY(named_by_locked(call, *file));
    if (advice != MADV_COLD && advice != MADV_PAGEOUT && advice != MADV_WILLNEED && advice != MADV_COLLAPSE)
      return error(EINVAL);
    const Thread* thread = find_live_locked(call.process().vnode().pids, process->pid());
    if (thread == nullptr) return error(ESRCH);
    if (!may_inspect_locked(call.thread, *thread)) return error(EACCES);
    if (!call.thread.user.may(Capability::Nice)) return error(EPERM);
    space = process->share_space();
  }
  std::uint64_t advised = 0;
  for (const UserVector& vector : vectors) {
    const auto range = vma::Range::of(base::UserVa(vector.address), base::round_up(vector.bytes, base::page_bytes));
    const bool possible = vector.address % base::page_bytes == 0 && arch::is_user_range(range.start, range.bytes());
    const bool mapped = possible && (range.bytes() == 0 || processor::covered_part(*space, range) == range);
    if (!mapped) return advised != 0 ? Answer<std::uint64_t>(advised) : error(possible ? ENOMEM : EINVAL);
    advised += vector.bytes;
  }
  return advised;
}

// The memory of who is being killed goes back by itself, and at once.
Answer<std::uint64_t> process_mrelease(Call& call) {
  if ((call.b() & 0xffffffff) != 0) return error(EINVAL);
  const OpenFileReference file = TRY(call.thread.descriptors().get(Call::as_int(call.a())));
  const base::SpinGuard guard(tasks_lock);
  const Process* process = TRY(named_by_locked(call, *file));
  if (process->live_threads == 0) return error(ESRCH);
  if (!process->group_exit) return error(EINVAL);
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls

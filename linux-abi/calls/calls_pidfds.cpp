// SPDX-License-Identifier: Apache-2.0
// Calls about processes by descriptor (pidfd_open(2) and its siblings): see calls_process.h.
#include <linux/fcntl.h>

#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/calls_process.h"
#include "linux-abi/calls/calls_signals.h"
#include "linux-abi/files/node.h"
#include "linux-abi/files/process_file.h"
#include "linux-abi/process/inspection.h"
#include "linux-abi/process/signal_sending.h"

namespace linux_abi::calls {
namespace {

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
  {
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
  processor::Reference<DescriptorTable> descriptors;
  {
    const base::SpinGuard guard(tasks_lock);
    const Process* process = TRY(named_by_locked(call, *file));
    const Thread* thread = process->pid_entry->thread;
    if (thread == nullptr || !process->descriptors) return error(ESRCH);
    if (!may_inspect_locked(call.thread, *thread)) return error(EPERM);
    descriptors = process->descriptors;
  }
  return install(call, TRY(descriptors->get(Call::as_int(call.b()))), true);
}

}  // namespace linux_abi::calls

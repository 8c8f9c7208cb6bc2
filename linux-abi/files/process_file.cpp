// SPDX-License-Identifier: Apache-2.0
// pidfds: see process_file.h.
#include "linux-abi/files/process_file.h"

#include <asm/poll.h>
#include <linux/fcntl.h>

#include <string_view>

#include "kernel/base/memory.h"
#include "linux-abi/process/process.h"
#include "linux-abi/process/process_ends.h"

namespace linux_abi {

ProcessFile::ProcessFile(processor::Reference<VNode> vnode, int flags)
    : OpenFile(O_RDWR | flags), vnode_(std::move(vnode)) {}

Answer<processor::Reference<ProcessFile>> ProcessFile::create(processor::Reference<VNode> vnode, int flags) {
  auto file = base::make<ProcessFile>(std::move(vnode), flags);
  if (!file) return error(ENOMEM);
  return processor::Reference<ProcessFile>(*file.release());
}

void ProcessFile::name_locked(const Process& process) {
  pid_ = process.pid();
  serial_ = process.serial();
}

Process* ProcessFile::find_locked() const {
  const PidEntry* entry = vnode_->pids.find(pid_);
  if (entry == nullptr || entry->process == nullptr || entry->process->serial() != serial_) return nullptr;
  return entry->process;
}

std::uint32_t ProcessFile::poll_events() {
  const base::SpinGuard guard(tasks_lock);
  const Process* process = find_locked();
  if (pid_ == 0 || names_init() || (process != nullptr && process->state != ProcessState::Zombie)) return 0;
  return POLLIN | POLLRDNORM;
}

PollSource* ProcessFile::poll_source() { return &process_ends; }

std::size_t ProcessFile::describe(std::span<char> to, Caller&) {
  constexpr std::string_view name = "anon_inode:[pidfd]";
  return name.copy(to.data(), to.size());
}

void ProcessFile::close() { base::Own<ProcessFile>(this).reset(); }

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// A pidfd: an open file that names a process, which can be read from (poll) once it has ended. The name is never that
// of another process, whoever has the pid by then. Guarded by tasks_lock.
#pragma once

#include "linux-abi/files/open_file.h"
#include "linux-abi/process/vnode.h"

namespace linux_abi {

class Process;

class ProcessFile final : public OpenFile {
 public:
  // flags: O_NONBLOCK: waitid does not wait.
  static Answer<processor::Reference<ProcessFile>> create(processor::Reference<VNode> vnode, int flags);
  ProcessFile(processor::Reference<VNode> vnode, int flags);  // for create()

  // Once; until then it names nobody.
  void name_locked(const Process& process);
  void name_init() { pid_ = kernel_pid; }
  bool names_init() const { return pid_ == kernel_pid; }
  // nullptr: its pid was given back, or it is the vNode's init.
  Process* find_locked() const;

  Answer<FileStatus> status(Caller& caller) override { return (void)caller, FileStatus{.mode = 0600}; }
  std::uint32_t poll_events() override;
  PollSource* poll_source() override;
  std::size_t describe(std::span<char> to, Caller& caller) override;
  ProcessFile* process_file() override { return this; }

 private:
  void close() override;
  const processor::Reference<VNode> vnode_;
  int pid_ = 0;
  std::uint64_t serial_ = 0;
};

}  // namespace linux_abi

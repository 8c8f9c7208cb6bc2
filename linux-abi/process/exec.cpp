// SPDX-License-Identifier: Apache-2.0
// execve: see exec.h.
#include "linux-abi/process/exec.h"

#include "linux-abi/futex/thread_end.h"
#include "linux-abi/process/exit.h"
#include "linux-abi/process/signal_sending.h"
#include "linux-abi/process/usage.h"
#include "linux-abi/time/interval_timers.h"

namespace linux_abi {
namespace {

void take_over_ids(Thread& thread, const PreparedProgram& program) {
  Credentials& user = thread.user;
  if (thread.no_new_privileges == 0) {
    if (program.set_uid != PreparedProgram::no_change) user.effective_uid = user.file_uid = program.set_uid;
    if (program.set_gid != PreparedProgram::no_change) user.effective_gid = user.file_gid = program.set_gid;
  }
  user.saved_uid = user.effective_uid;
  user.saved_gid = user.effective_gid;
  user.capabilities.executed(user.uids(), user.uid != user.effective_uid || user.gid != user.effective_gid);
}

// What a process loses by execve, besides its memory.
Answer<> shed_old_program(Thread& thread, PreparedProgram& program) {
  Process& process = thread.process();
  // What was shared with others by CLONE_FILES, CLONE_SIGHAND becomes the process's own.
  processor::Reference<DescriptorTable> descriptors = TRY(process.descriptors->copy());
  auto actions = base::make<SharedActions>();
  if (!actions) return error(ENOMEM);
  release_futexes_at_thread_end(thread);
  keep_most_resident(process);
  process.replace_space(program.space);
  process.replace_descriptors(std::move(descriptors));
  process.descriptors->close_for_exec(process.serial());
  std::swap(process.program, program.file);
  if (process.timers != nullptr) process.timers->stop_posix();
  {
    const base::SpinGuard guard(tasks_lock);
    actions->actions = process.actions->actions;
    actions->actions.reset_handlers();
    process.name = program.name;
    process.has_executed = true;
    process.locked_memory.clear();
    process.locks_future_memory = false;
    process.has_locked_memory.store(false, std::memory_order_relaxed);
    process.exit_signal = sig::chld;
    // Who became somebody else must not be looked into.
    const bool changes_user =
        program.set_uid != PreparedProgram::no_change || program.set_gid != PreparedProgram::no_change;
    process.dumpable = changes_user && thread.no_new_privileges == 0 ? 0 : 1;
    release_vfork_parent_locked(process);
  }
  process.actions = processor::Reference<SharedActions>(*actions.release());
  thread.kernel_thread().set_name(program.name.data());
  thread.kernel_thread().set_segment_bases({});
  thread.kernel_thread().write_fpu().reset();
  thread.alternate_stack = {};
  take_over_ids(thread, program);
  return {};
}

}  // namespace

Answer<> execute(Thread& thread, int directory_descriptor, std::string_view path, int flags, ProgramStrings strings,
                 arch::TrapFrame& frame) {
  PreparedProgram program =
      TRY(prepare_program(thread, thread.process().family(), directory_descriptor, path, flags, strings));
  TRY(become_only_thread(thread));
  TRY(shed_old_program(thread, program));
  if (const Answer<> stack = set_up_stack(thread, program, strings, path, frame); !stack) {
    // The old program is gone: there is nobody to return an error to.
    const base::SpinGuard guard(tasks_lock);
    start_group_exit_locked(thread.process(), {sig::code::cld_killed, sig::segv});
  }
  return {};
}

}  // namespace linux_abi

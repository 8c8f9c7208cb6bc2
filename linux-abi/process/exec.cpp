// SPDX-License-Identifier: Apache-2.0
// execve: see exec.h.
#include "linux-abi/process/exec.h"

#include "linux-abi/files/aio_contexts.h"
#include "linux-abi/futex/thread_end.h"
#include "linux-abi/process/exit.h"
#include "linux-abi/process/signal_sending.h"
#include "linux-abi/process/tracing.h"
#include "linux-abi/process/usage.h"
#include "linux-abi/time/interval_timers.h"

namespace linux_abi {
namespace {

bool is_traced_by_others(const Thread& thread) {
  const base::SpinGuard guard(tasks_lock);
  const Traced* traced = traced_of(thread);
  if (traced == nullptr) return false;
  bool privileged = false;
  traced->tracer->for_each_thread([&](processor::Thread& each) {
    privileged = privileged || static_cast<Thread&>(each).user.may(Capability::Trace);
  });
  return !privileged;
}

void take_over_ids(Thread& thread, const PreparedProgram& program) {
  Credentials& user = thread.user;
  // Who is traced gains nothing that the tracer may not have.
  if (thread.no_new_privileges == 0 && !is_traced_by_others(thread)) {
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
  AioContext::process_ended(process.serial());
  process.replace_space(program.space);
  process.replace(process.descriptors, std::move(descriptors));
  process.descriptors->close_for_exec(process.serial());
  process.replace(process.program, std::move(program.file));
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
    process.persona.set(program.persona);
    // Who became somebody else must not be looked into.
    const bool changes_user =
        program.set_uid != PreparedProgram::no_change || program.set_gid != PreparedProgram::no_change;
    process.dumpable = changes_user && thread.no_new_privileges == 0 ? 0 : 1;
    release_vfork_parent_locked(process);
  }
  process.replace(process.actions, processor::Reference<SharedActions>(*actions.release()));
  thread.kernel_thread().set_name(program.name.data());
  thread.kernel_thread().set_segment_bases({});
  thread.kernel_thread().write_fpu().reset();
  thread.alternate_stack = {};
  forget_sequences(thread);
  take_over_ids(thread, program);
  return {};
}

}  // namespace

Answer<> execute(Thread& thread, int directory_descriptor, std::string_view path, int flags, ProgramStrings strings,
                 arch::TrapFrame& frame) {
  PreparedProgram program =
      TRY(prepare_program(thread, thread.process().family(), directory_descriptor, path, flags, strings));
  const int former_tid = thread.tid();
  TRY(become_only_thread(thread));
  TRY(shed_old_program(thread, program));
  if (const Answer<> stack = set_up_stack(thread, program, strings, path, frame); !stack) {
    // The old program is gone: there is nobody to return an error to.
    const base::SpinGuard guard(tasks_lock);
    start_group_exit_locked(thread.process(), {sig::code::cld_killed, sig::segv});
  }
  report_program(thread, former_tid);
  return {};
}

}  // namespace linux_abi

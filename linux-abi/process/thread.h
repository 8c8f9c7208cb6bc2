// SPDX-License-Identifier: Apache-2.0
// A Linux thread. What only the thread itself touches needs no lock; signal state is guarded by tasks_lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "kernel/threads/block.h"
#include "linux-abi/files/caller.h"
#include "linux-abi/process/call_filters.h"
#include "linux-abi/process/process.h"
#include "linux-abi/process/restartable_sequences.h"
#include "linux-abi/process/scheduling.h"
#include "processor/process.h"

namespace linux_abi {

// A kernel thread's sleep behind a base::Waiter that others can link. Belongs to one thread.
class ThreadSleep final : public processor::Sleeper {
 public:
  explicit ThreadSleep(threads::Thread& thread) : waiter_(thread) {}
  void wake() override { waiter_.wake(); }
  bool sleep() override;
  std::uint64_t now_ns() const override;
  threads::BlockResult wait(std::uint64_t deadline_ns, threads::Interruptible interruptible);

 private:
  threads::ThreadWaiter waiter_;
};

class ProgramLaunch;

struct AlternateStack {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  std::uint32_t flags = 2;  // SS_DISABLE
};

class Thread final : public processor::Thread, public Caller {
 public:
  explicit Thread(Process& process) : processor::Thread(process) {}

  static Thread& current() { return static_cast<Thread&>(processor::Thread::current()); }
  Process& process() const { return static_cast<Process&>(processor::Thread::process()); }
  int tid() const { return pid_entry->pid; }

  PidEntry* pid_entry = nullptr;  // constant but for exec by another thread than the leader
  Credentials user;               // changed by the thread itself

  // Signals.
  SignalSet blocked;  // changed by the thread itself under tasks_lock
  SignalSet awaited;  // were blocked and are not while rt_sigtimedwait waits for them; likewise
  PendingSignals pending;
  std::optional<SignalSet> saved_mask;  // to be restored when no handler runs (sigsuspend, ppoll)
  AlternateStack alternate_stack;
  int restart_code = 0;  // the running call is to be restarted so (restart_*), 0: not
  // restart_syscall: what the interrupted sleep goes on with.
  struct Restart {
    std::uint64_t deadline_ns = 0;
    std::uint64_t remaining_to = 0;
    int clock = 0;
  } restart;

  CallFilters filters;       // seccomp(2)
  Traced* traced = nullptr;  // by ptrace(2); guarded by tasks_lock

  // Futexes and thread end.
  std::uint64_t clear_child_tid = 0;
  std::uint64_t set_child_tid = 0;  // to be written when it first runs (fork with CLONE_CHILD_SETTID); 0: done
  std::uint64_t robust_list = 0;
  RestartableSequences sequences;  // rseq(2)
  std::uint64_t no_new_privileges = 0;
  std::uint64_t timer_slack_ns = 50'000, first_timer_slack_ns = 50'000;  // remembered; sleeps end when they end
  std::uint8_t memory_error_policy = 2;  // of PR_MCE_KILL; remembered, as is what follows
  bool is_io_flusher = false;
  Scheduling scheduling;  // guarded by tasks_lock
  bool is_leader = false;
  int io_priority = 0;                        // ioprio_set(2): remembered
  ProgramLaunch* program_to_start = nullptr;  // a launch's first thread becomes its program on the way to user mode
  bool exiting = false;

  // Caller.
  processor::Sleeper& sleeper() override { return sleep_for_kernel(); }
  WaitEnd wait(base::Waiter& waiter, std::uint64_t deadline_ns) override;
  base::Waiter& waiter() override { return sleep_for_signals(); }
  std::uint64_t now_ns() const override;
  std::uint64_t wall_time_ns() const override;
  const Credentials& credentials() const override { return user; }
  FileContext& file_context() override { return *process().files; }
  DescriptorTable& descriptors() override { return *process().descriptors; }
  std::uint64_t process_id() const override { return process().serial(); }
  std::uint64_t limit(int resource) const override;
  void raise(int signal) override;
  Answer<> copy_out(std::uint64_t to, std::span<const std::byte> from) override;
  Answer<> copy_in(std::span<std::byte> to, std::uint64_t from) override;

 private:
  void gone(bool last) override;
  ThreadSleep& sleep_for_kernel();
  ThreadSleep& sleep_for_signals();

  std::optional<ThreadSleep> kernel_sleep_;
  std::optional<ThreadSleep> signal_sleep_;
};

}  // namespace linux_abi

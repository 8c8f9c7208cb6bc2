// SPDX-License-Identifier: Apache-2.0
// A Linux process: its place in the tree (parent, group, session), what its threads share, how it ended. Everything in
// it is guarded by tasks_lock unless said otherwise. A process whose last thread left is a zombie until its parent
// waited for it; it is freed when it was reaped and its last kernel thread is gone.
#pragma once

#include <array>
#include <atomic>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <span>

#include "kernel/base/waiter.h"
#include "linux-abi/files/descriptor_table.h"
#include "linux-abi/files/file_context.h"
#include "linux-abi/process/limits.h"
#include "linux-abi/process/locked_memory.h"
#include "linux-abi/process/persona.h"
#include "linux-abi/process/scheduling.h"
#include "linux-abi/process/vnode.h"
#include "linux-abi/signals/actions.h"
#include "linux-abi/signals/pending.h"
#include "processor/process.h"

namespace linux_abi {

class Terminal;
class Launch;
class IntervalTimers;
struct Traced;
struct CoreDump;

// The auxiliary vector as execve made it (getauxval(3)): pairs, the last of zeros.
struct AuxiliaryVector {
  std::array<std::uint64_t, 64> values{};
  std::size_t count = 0;
  std::span<const std::uint64_t> words() const { return std::span(values).first(count); }
};

// Shared by CLONE_SIGHAND.
struct SharedActions : processor::Counted {
  SignalActions actions;
  void last_reference_gone();
};

struct ProcessTimes {
  std::uint64_t user_ns = 0;
  std::uint64_t system_ns = 0;
  void add(const ProcessTimes& other) {
    user_ns += other.user_ns;
    system_ns += other.system_ns;
  }
};

// What read(2) and write(2) and their kin moved, for /proc/PID/io. Relaxed: numbers for display.
struct IoCounts {
  std::atomic<std::uint64_t> bytes_read{0}, bytes_written{0}, reads{0}, writes{0};
};

// How a process ended, or stopped: wait status as waitpid gives it.
struct WaitStatus {
  int code = 0;   // CLD_*
  int value = 0;  // exit status or signal
  int encoded() const;
};

enum class ProcessState : std::uint8_t { Running, Stopped, Zombie };

class Process final : public processor::Process {
 public:
  static Answer<Process*> create(processor::Reference<processor::Family> family,
                                 processor::Reference<processor::AddressSpace> space,
                                 processor::Reference<VNode> vnode);
  ~Process() override;

  VNode& vnode() const { return *vnode_; }
  processor::Reference<VNode> share_vnode() const { return vnode_; }
  std::uint64_t serial() const { return serial_; }  // never reused; constant
  int pid() const { return pid_entry->pid; }
  int parent_pid() const { return parent == nullptr ? 1 : parent->pid(); }

  PidEntry* pid_entry = nullptr;
  PidEntry* group = nullptr;
  PidEntry* session = nullptr;
  Process* parent = nullptr;  // nullptr: the vNode's init, which reaps at once
  boost::intrusive::list_member_hook<> sibling_hook;
  using Children = boost::intrusive::list<
      Process, boost::intrusive::member_hook<Process, boost::intrusive::list_member_hook<>, &Process::sibling_hook>>;
  Children children;
  Launch* launch = nullptr;  // constant; of the whole family

  ProcessState state = ProcessState::Running;
  std::uint32_t live_threads = 0;
  bool group_exit = false;  // every thread is to leave: `ended` says how
  bool executing = false;   // one thread execs, the others leave
  Thread* executing_thread = nullptr;
  WaitStatus ended;     // valid when group_exit, or a zombie
  WaitStatus reported;  // stop or continue that the parent has not waited for; code 0: none
  bool reaped = false;
  bool threads_gone = false;
  int exit_signal = sig::chld;    // to the parent
  base::WaitQueue child_events;   // the process's own threads in wait4
  base::WaitQueue state_changes;  // threads that wait for a continue, an exec for its siblings, a vfork parent
  bool vfork_child = false;       // the parent waits until it execs or exits

  processor::Reference<SharedActions> actions;
  PendingSignals pending;
  Terminal* terminal = nullptr;  // of the session
  Limits limits;
  std::array<char, 16> name{};  // comm of the leader
  ProcessTimes children_times;  // of children waited for
  ProcessTimes ended_threads_times;
  Scheduling ended_scheduling;  // of the leader, once it has left
  // Pages: the most that a space had which it has no more, and that a child waited for had.
  std::uint64_t most_resident = 0, children_most_resident = 0;
  std::uint64_t start_ns = 0;
  bool has_executed = false;  // setpgid of a child: EACCES
  int dumpable = 1;
  std::uint32_t core_filter = 0x33;  // what of its memory goes into a core file (core(5))
  CoreDump* core_dump = nullptr;     // under way
  bool huge_pages_disabled = false;
  Persona persona;
  std::atomic<std::uint32_t> barriers{0};  // membarrier commands it has registered for
  LockedMemory locked_memory;
  bool locks_future_memory = false;  // MCL_FUTURE
  // Whether one of the two ever was anything else; relaxed: changed and asked by calls of the process itself.
  std::atomic<bool> has_locked_memory{false};
  int parent_death_signal = 0;
  IoCounts io;
  std::atomic<int> oom_score_adjustment{0};  // /proc/PID/oom_score_adj: remembered
  bool child_subreaper = false;
  IntervalTimers* timers = nullptr;  // ITIMER_REAL, POSIX timers; made on first use

  // References are changed only by the process's own threads (exec, unshare, exit), by replace(): others look at them
  // under tasks_lock, and take references of their own.
  processor::Reference<DescriptorTable> descriptors;
  // Takes tasks_lock; what was there, if this was the last reference, ends after it.
  template <typename T>
  void replace(processor::Reference<T>& place, processor::Reference<T> value) {
    const base::SpinGuard guard(tasks_lock);
    std::swap(place, value);
  }
  // Threads of others that it traces: the first of them.
  Traced* traced = nullptr;
  processor::Reference<FileContext> files;
  OpenFileReference program;  // /proc/self/exe
  // Where execve put the strings; for /proc/self/cmdline and environ.
  std::uint64_t arguments_start = 0, arguments_end = 0, environment_end = 0;
  AuxiliaryVector auxiliary;  // changed by execve alone

  // Called with tasks_lock held, after reaped or threads_gone was set: true: delete it once the lock is released.
  bool finished() const { return reaped && threads_gone; }

 private:
  Process(processor::Reference<processor::Family> family, processor::Reference<processor::AddressSpace> space,
          processor::Reference<VNode> vnode);
  processor::Reference<VNode> vnode_;
  std::uint64_t serial_;
};

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Families, processes and threads, knowing no Linux: what runs, in which address space, for which launch. The
// personality derives its own Process and Thread from these and keeps pids, signals and descriptors there.
// A family is everything descended from one launch; it stays on this pComponent. A process lives while it has threads;
// it may outlive them as a record of the personality's (a zombie).
// One lock of rank Process guards all membership lists here.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "arch/x86_64/trap_frame.h"
#include "kernel/base/error.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/types.h"
#include "kernel/base/waiter.h"
#include "kernel/threads/thread.h"
#include "net/rpc/identity.h"
#include "processor/address_space.h"
#include "processor/excache/fault_context.h"
#include "processor/reference.h"

namespace processor {

class Process;
class Thread;
class Monitor;

// Where the files and the address spaces of a family live.
struct FamilyHome {
  base::LaunchId launch;
  base::VNodeId vnode;
  rpc::NodeAddress memory;
};

// A user thread. Deleted by the personality in gone(), or after it.
class Thread : public threads::ThreadOwner, public boost::intrusive::list_base_hook<> {
 public:
  explicit Thread(Process& process);
  virtual ~Thread();

  // Makes its kernel thread, which will begin in user mode with this frame. Until start() its segment bases and vector
  // registers can be set (kernel_thread()); one that is never started is deleted without it (~Thread discards).
  base::Result<> prepare(std::string_view name, const arch::TrapFrame& frame);
  void start();
  // The running thread; only on threads that were started by start().
  static Thread& current();
  static Thread* current_or_null();  // nullptr on kernel threads

  Process& process() const { return process_; }
  // What it runs in: its process's, but also after that was let go of.
  AddressSpace& space() const { return *space_; }
  threads::Thread& kernel_thread() const { return *kernel_thread_; }
  // The running thread ends: leaves its process and its space; gone() follows.
  [[noreturn]] void exit();

  // Where its page faults report to; used by the fault handler alone.
  excache::FaultContext fault_context;

 protected:
  // The kernel thread has been freed; `last` of its process. Any thread's context; must not sleep.
  virtual void gone(bool last) = 0;

 private:
  friend class Process;
  friend class BorrowedSpace;
  void thread_gone(threads::Thread& thread) final;
  Process& process_;
  threads::Thread* kernel_thread_ = nullptr;
  Reference<AddressSpace> space_;  // keeps its space alive while it runs
};

// While it lives, the calling thread's user memory is another process's: copies from and to it fault there. Nothing may
// be done meanwhile but such copies.
class BorrowedSpace {
 public:
  explicit BorrowedSpace(Reference<AddressSpace> space) { exchange(std::move(space)); }
  ~BorrowedSpace() { exchange(std::move(own_)); }
  BorrowedSpace(const BorrowedSpace&) = delete;
  BorrowedSpace& operator=(const BorrowedSpace&) = delete;

 private:
  void exchange(Reference<AddressSpace> space);
  Reference<AddressSpace> own_;
};

class Process : public boost::intrusive::list_base_hook<> {
 public:
  Process(Reference<Family> family, Reference<AddressSpace> space);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  virtual ~Process();  // it has no threads

  Family& family() const;
  AddressSpace& space() const;
  Reference<AddressSpace> share_space() const;  // for a vfork child
  // execve: the calling thread, the only one left, goes over to the new space. The old one is let go of.
  void replace_space(Reference<AddressSpace> space);
  // The last thread is gone: the space is let go of, the record stays.
  void release_space();

  std::uint32_t thread_count() const;
  // visitor(Thread&) for each thread, with the lock of the lists held: it may interrupt and kill them, nothing that
  // sleeps.
  template <typename Visitor>
  void for_each_thread(Visitor&& visitor) {
    const base::SpinGuard guard(lists_lock());
    for (Thread& thread : threads_) visitor(thread);
  }
  void kill_all_threads();

 private:
  friend class Thread;
  friend class Family;
  static base::SpinLock& lists_lock();  // of rank Process, for all membership lists
  Reference<Family> family_;
  Reference<AddressSpace> space_;
  boost::intrusive::list<Thread, boost::intrusive::constant_time_size<true>> threads_;  // that run
  std::uint32_t threads_not_gone_ = 0;  // also those that left and are not freed yet
};

class Family : public Counted {
 public:
  const FamilyHome& home() const { return home_; }
  Monitor& monitor() const { return monitor_; }
  // Kills every thread of every process; the personality sees to the rest as each one leaves.
  void kill_all();
  // Until no thread is left. Interrupted.
  base::Result<> wait_until_no_threads(Sleeper& sleeper);
  // Until no thread is left and every address space and segment of the family is released on all components. (Files
  // belong to the vNode's file tree.) Interrupted.
  base::Result<> wait_until_gone(Sleeper& sleeper);

  Family(Monitor& monitor, const FamilyHome& home) : monitor_(monitor), home_(home) {}
  // A space or segment of the family, from its making until all components have released it.
  void add_holding();
  void remove_holding();

 private:
  friend class Process;
  friend class Thread;
  template <typename T>
  friend struct CountedReferences;
  void last_reference_gone();
  base::Result<> wait_until(bool (*over)(const Family&), Sleeper& sleeper);

  Monitor& monitor_;
  FamilyHome home_;
  boost::intrusive::list<Process, boost::intrusive::constant_time_size<false>> processes_;
  bool killed_ = false;        // what starts is killed at once
  std::uint32_t threads_ = 0;  // not gone
  std::uint32_t holdings_ = 0;
  base::WaitQueue gone_;
};

// What the personality installs before the first process starts.
class Personality {
 public:
  // A fault that did not end Resolved. From user mode: raise the signal; it is delivered on the way back. From the
  // kernel (a user copy): nothing need be done, the copy fails.
  virtual void fault_failed(Thread& thread, arch::TrapFrame& frame, FaultEnd end, base::UserVa address,
                            bool from_user) = 0;

 protected:
  ~Personality() = default;
};

}  // namespace processor

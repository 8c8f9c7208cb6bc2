// SPDX-License-Identifier: Apache-2.0
// A thread: a kernel stack and, for user threads, a user context (TrapFrame at the top of the kernel stack, vector
// registers, FS and GS base, address space). Kernel mode is not preempted: a thread gives up its core only where it
// blocks, yields, or returns to user mode. Private members belong to the scheduler.
//
// Lifetime: create() … start() … the thread calls exit() (or its entry function returns) … ThreadOwner::thread_gone()
// is called, on some other stack, and the Thread is freed when that returns. Whoever else keeps a Thread* (to wake,
// interrupt or kill it) must have let go of it, under a lock of their own, by then.
#pragma once

#include <array>
#include <atomic>
#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <string_view>

#include "arch/x86_64/context_switch.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/tlb_shootdown.h"
#include "arch/x86_64/trap_frame.h"
#include "arch/x86_64/user_mode.h"
#include "kernel/base/error.h"
#include "kernel/base/types.h"
#include "kernel/memory/kernel_map.h"
#include "kernel/threads/core_mask.h"
#include "kernel/threads/policy/entity.h"

namespace threads {

class Thread;

// What may end a wait besides its wake-up and its deadline.
enum class Interruptible : std::uint8_t {
  Never,     // only where what is waited for cannot fail to come (a mutex whose holder can be killed)
  KillOnly,  // kill(): page faults, RPCs on behalf of a process
  Yes,       // interrupt() and kill(): what Linux calls interruptible
};

// The object of an upper layer that a thread belongs to.
class ThreadOwner {
 public:
  // The thread has left its stack for the last time. Any thread's context, interrupts enabled, must not block.
  virtual void thread_gone(Thread& thread) = 0;

 protected:
  ~ThreadOwner() = default;
};

struct ThreadOptions {
  std::string_view name = {};  // cut to 15 bytes
  policy::Class klass = policy::Class::Normal;
  int nice = 0;
  CoreMask affinity = CoreMask::all();
  ThreadOwner* owner = nullptr;
};

struct ThreadTimes {
  std::uint64_t user_ns = 0;
  std::uint64_t system_ns = 0;
};

class Thread {
 public:
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  std::string_view name() const { return {name_.data()}; }
  void set_name(std::string_view name);
  ThreadOwner* owner() const { return owner_; }
  bool is_user() const { return static_cast<bool>(fpu_); }

  // User threads only. The registers of user mode as of the last entry; valid for the thread itself, and for others
  // while it is blocked. A change takes effect at the next return to user mode.
  arch::TrapFrame& user_frame() const;
  // The address space; nullptr after it was given up. set_: for the running thread itself (execve, exit).
  arch::TlbDomain* address_space() const { return space_; }
  void set_address_space(arch::TlbDomain* space);
  // FS and GS base (arch_prctl, clone). For the running thread itself, or before start().
  arch::UserSegmentBases segment_bases() const;
  void set_segment_bases(const arch::UserSegmentBases& bases);
  // Vector registers as of now, for the running thread itself, or for one that does not run. After write_fpu() the
  // returned memory is what the thread will see in user mode.
  const arch::FpuState& read_fpu();
  arch::FpuState& write_fpu();

  int nice() const { return nice_.load(std::memory_order_relaxed); }
  void set_nice(int nice);
  CoreMask affinity() const { return CoreMask(affinity_.load(std::memory_order_relaxed)); }
  // InvalidArgument if no core of this machine is in it. A running thread moves at its next return to user mode.
  [[nodiscard]] base::Result<> set_affinity(CoreMask mask);
  std::uint32_t last_core() const { return core_.load(std::memory_order_relaxed); }
  ThreadTimes times() const;  // up to now, whoever asks
  bool is_blocked() const { return run_state_.load(std::memory_order_relaxed) == RunState::Blocked; }  // a hint

  // A signal is pending: interruptible waits return Interrupted, and user mode is left for the return hook, until the
  // thread itself calls clear_interrupt(). kill() cannot be cleared. Any context in which wake() is allowed.
  void interrupt();
  // The return hook shall run before this thread, which is the running one, is in user mode again. It does so without
  // being asked before a thread's first instruction, and after interrupt() and kill().
  void request_return_hook() { return_work_.store(true, std::memory_order_relaxed); }
  // From now on the switch hook (scheduler.h) shall run before user mode whenever the thread was off its core since, or
  // may_have_been_switched() was called; the first time soon.
  void tell_switches(bool wanted) {
    tells_switches_ = wanted;
    switched_.store(wanted, std::memory_order_relaxed);
  }
  // By others: a thread that is in user mode notices with its next interrupt, which the caller sees to.
  void may_have_been_switched() { switched_.store(true, std::memory_order_relaxed); }
  void clear_interrupt() { interrupted_.store(false, std::memory_order_relaxed); }
  bool interrupted() const { return interrupted_.load(std::memory_order_relaxed) || killed(); }
  // How many requests the thread has sent to other components and waited for: kept by whoever sends them, on the thread
  // itself.
  std::uint64_t messages() const { return messages_; }
  void count_message() { ++messages_; }
  void set_messages(std::uint64_t messages) { messages_ = messages; }
  void kill();
  bool killed() const { return killed_.load(std::memory_order_relaxed); }

 private:
  friend class Core;
  friend class HomeLock;
  friend class ThreadWaiter;
  friend struct Lifetime;
  friend void install_return_to_user();

  enum class RunState : std::uint8_t {
    New,      // not started
    Running,  // on its core
    Ready,    // on a run queue, or on its way to one
    Blocked,
    Dead,
  };
  struct QueueEntry : policy::Entity {
    Thread* thread = nullptr;
  };
  struct Deadline : boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    std::uint64_t at_ns = 0;
    Thread* thread = nullptr;
    bool operator<(const Deadline& other) const { return at_ns < other.at_ns; }
  };
  static constexpr std::uint32_t no_core = ~std::uint32_t{0};

  Thread();
  ~Thread() = default;
  bool must_end_wait(Interruptible kind) const;
  void notice();
  void go_to_user(arch::TrapFrame& frame);
  bool registers_are_live() const;
  void save_user_registers();
  void load_user_registers();

  std::array<char, 16> name_{};
  ThreadOwner* owner_ = nullptr;
  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
  arch::SavedStack saved_;
  kernel::KernelStack stack_;

  // Guarded by the lock of core_, which itself changes only under the lock of its old value.
  std::atomic<std::uint32_t> core_{0};
  std::atomic<RunState> run_state_{RunState::New};
  QueueEntry queue_entry_;
  Deadline deadline_;
  Interruptible sleep_kind_ = Interruptible::Never;

  // Flags and settings that others may read at any time; changes that must not be missed are made known under the lock.
  std::atomic<std::uint64_t> affinity_{CoreMask::all().bits()};
  std::atomic<int> nice_{0};
  std::atomic<bool> interrupted_{false};
  std::uint64_t messages_ = 0;  // touched on its own core, by itself or an interrupt
  std::atomic<bool> killed_{false};
  std::atomic<bool> return_work_{true};  // the return hook shall run (again) before user mode
  bool tells_switches_ = false;          // changed by the thread itself, or before it was started
  std::atomic<bool> switched_{false};    // the switch hook shall run before user mode, if tells_switches_

  // Of the running thread itself. The registers of user mode are live on a core if it is registers_core_ and that core
  // remembers this thread: then they are newer than, or the same as, what is kept here.
  arch::FpuState fpu_;
  arch::TlbDomain* space_ = nullptr;
  arch::UserSegmentBases bases_;
  std::uint32_t registers_core_ = no_core;
  bool registers_saved_ = false;              // since the last entry from user mode
  std::atomic<std::uint64_t> user_ticks_{0};  // of the time-stamp counter
  std::atomic<std::uint64_t> system_ticks_{0};
};

}  // namespace threads

// SPDX-License-Identifier: Apache-2.0
// The scheduler's state of one core. `lock` guards the queue, the deadlines of threads that sleep here, and the state
// of all threads whose core_ this is. It is held across the switch of stacks: whoever runs next releases it, so nobody
// sees a thread as blocked that still uses its stack. Only one core's lock is held at a time; a thread on its way from
// one core to another is Ready and on no queue.
#pragma once

#include <array>
#include <atomic>
#include <boost/intrusive/set.hpp>
#include <cstdint>

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "kernel/base/assert.h"
#include "kernel/base/spinlock.h"
#include "kernel/threads/policy/run_queue.h"
#include "kernel/threads/thread.h"

namespace threads {

enum class IdleState : std::uint8_t {
  Busy,     // runs a thread, or is about to
  Polling,  // looks at its flags all the time: needs no interrupt
  Halting,  // may be in HLT
};

enum class Arrival : std::uint8_t { New, Woken, Preempted, Yielded };

class alignas(64) Core {
 public:
  static Core& at(std::uint32_t index) {
    LEGO_ASSERT(index < cores.size());
    return cores[index];
  }
  static Core& here() { return cores[arch::this_core()]; }
  static CoreMask online();

  std::uint32_t index() const { return index_; }
  std::uint64_t lock() { return lock_.lock(); }
  void unlock(std::uint64_t state) { lock_.unlock(state); }
  bool wants_switch() const { return resched_.load(std::memory_order_relaxed); }
  std::uint32_t load() const { return load_.load(std::memory_order_relaxed); }

  // --- With the lock held; all of these release it. ---
  // The running thread blocks; its deadline, if any, is on this core.
  void block_running(std::uint64_t deadline_ns, Interruptible kind, std::uint64_t state);
  // A blocked thread of this core becomes ready, here or elsewhere.
  void make_ready(Thread& thread, std::uint64_t state);
  // The running thread makes room if others wait, or if it may not run here any more.
  void give_way(Arrival how, std::uint64_t state);
  [[noreturn]] void end_running(std::uint64_t state);

  // --- Without it. ---
  static void start(Thread& thread);
  void adopt(Thread& thread, Arrival how);  // thread.core_ is this core already
  void timer_fired();
  void check();                             // the reschedule interrupt: preemption, time slice, timer
  void finish_switch(std::uint64_t state);  // with it, in fact: held since before the switch
  // One waiting thread of `from`, if there is one that may run on `to`.
  static bool move_one(Core& from, Core& to);
  void poke_if_running(const Thread& thread);  // lock held, and kept: it shall look at its flags

  // On the core itself, on its boot stack: from now on it has a (idle) thread; then the idle loop.
  void begin(std::uint32_t index);
  [[noreturn]] void run();

  // --- This core itself, interrupts disabled: whose time runs, whose registers are loaded. ---
  void enter_kernel() {
    if (in_user_.load(std::memory_order_relaxed)) begin_time(*running_, false);
  }
  void enter_user() { begin_time(*running_, true); }
  Thread* registers = nullptr;
  // Any core: what a thread of this core has used, with what it is using just now.
  ThreadTimes times_of(const Thread& thread) const;

  void apply_nice(Thread& thread);                           // lock held, and kept
  void apply_affinity(Thread& thread, std::uint64_t state);  // lock held, released

  struct Counters {
    std::atomic<std::uint64_t> switches{0}, wakes{0}, steals{0}, preemptions{0}, interrupts{0}, idle_ns{0};
  };
  const Counters& counters() const { return counters_; }

 private:
  using Deadlines = boost::intrusive::multiset<Thread::Deadline, boost::intrusive::constant_time_size<false>>;

  static void count(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
    counter.fetch_add(by, std::memory_order_relaxed);  // a counter: orders nothing
  }
  static Thread& thread_of(policy::Entity& entity) { return *static_cast<Thread::QueueEntry&>(entity).thread; }
  static std::uint32_t place(const Thread& thread);
  bool may_run_here(const Thread& thread) const;
  void charge(std::uint64_t now_ns);
  void add(Thread& thread, Arrival how, std::uint64_t now_ns);
  void send_away(Thread& thread);
  void put_back_running(Arrival how, std::uint64_t now_ns);
  void switch_to_next(std::uint64_t now_ns, std::uint64_t state);
  void change_stacks(Thread& previous, Thread& next);
  void wake_expired();
  void check_slice(std::uint64_t now_ns);
  std::uint64_t slice_ran_ns(std::uint64_t now_ns) const;
  void set_timer();
  void publish_load();
  void request_switch() { resched_.store(true, std::memory_order_seq_cst); }
  void interrupt_if_needed(std::uint64_t now_ns);
  void begin_time(Thread& next, bool in_user);
  bool take_work();
  void idle_once();

  std::uint32_t index_ = 0;
  base::SpinLock lock_{base::LockRank::Scheduler};
  policy::RunQueue queue_;
  Deadlines deadlines_;
  Thread* running_ = nullptr;
  std::uint64_t charged_until_ns_ = 0;
  std::uint64_t slice_start_ns_ = 0;
  std::uint64_t timer_ns_ = base::never_ns;  // what this core's timer is set to
  Thread* leaving_ = nullptr;                // has just been switched away from: dead, or of another core
  Thread idle_;

  std::atomic<bool> resched_{false};  // seq_cst against idle_state_: see interrupt_if_needed and idle_once
  std::atomic<IdleState> idle_state_{IdleState::Busy};
  std::atomic<std::uint32_t> load_{0};  // threads that run or wait here; a hint for placement

  // Whose time runs, in which mode and since when: written by this core alone, read by all. The sequence is odd while
  // they, and the times of the thread before, change.
  std::atomic<std::uint32_t> time_sequence_{0};
  std::atomic<Thread*> timed_{nullptr};
  std::atomic<bool> in_user_{false};
  std::atomic<std::uint64_t> mode_since_ticks_{0};
  Counters counters_;

  static std::array<Core, base::max_cores> cores;
};

// Adds up the time of the thread before; from now on the next one's runs. On this core, interrupts disabled. Each
// system call does it twice: ticks of the time-stamp counter become nanoseconds only when somebody asks.
inline void Core::begin_time(Thread& next, bool in_user) {
  const auto relaxed = std::memory_order_relaxed;
  const std::uint64_t now_ticks = arch::read_tsc();
  const std::uint32_t sequence = time_sequence_.load(relaxed);
  time_sequence_.store(sequence + 1, relaxed);
  std::atomic_thread_fence(std::memory_order_release);  // pairs with the acquire fence in times_of()
  Thread& last = *timed_.load(relaxed);
  const std::uint64_t since_ticks = mode_since_ticks_.load(relaxed);
  auto& time = in_user_.load(relaxed) ? last.user_ticks_ : last.system_ticks_;
  const std::uint64_t ran_ticks = now_ticks > since_ticks ? now_ticks - since_ticks : 0;
  time.store(time.load(relaxed) + ran_ticks, relaxed);  // only its own core writes
  mode_since_ticks_.store(now_ticks, relaxed);
  in_user_.store(in_user, relaxed);
  timed_.store(&next, relaxed);
  time_sequence_.store(sequence + 2, std::memory_order_release);  // pairs with the acquire in times_of()
}

inline bool Thread::registers_are_live() const {
  const Core& core = Core::here();
  return registers_core_ == core.index() && core.registers == this;
}

// Locks the core that a thread belongs to, whichever that is by then.
class HomeLock {
 public:
  explicit HomeLock(Thread& thread);
  HomeLock(const HomeLock&) = delete;
  HomeLock& operator=(const HomeLock&) = delete;
  ~HomeLock() {
    if (core_ != nullptr) core_->unlock(state_);
  }
  Core& core() { return *core_; }
  // The lock is released by somebody else, who is given this.
  std::uint64_t release() {
    core_ = nullptr;
    return state_;
  }

 private:
  Core* core_ = nullptr;
  std::uint64_t state_ = 0;
};

// Of scheduler.cpp.
std::uint8_t reschedule_vector();
bool poll_devices(std::uint32_t core);  // interrupts enabled: whether to look again
bool may_halt(std::uint32_t core);      // interrupts disabled: false if there is something already
void bury(Thread& thread);              // a thread that has left its stack (create.cpp)

}  // namespace threads

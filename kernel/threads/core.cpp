// SPDX-License-Identifier: Apache-2.0
// Switching, waking and moving threads: see core.h. The idle loop and the time slices are in core_idle.cpp.
#include "kernel/threads/core.h"

#include "arch/x86_64/context_switch.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/percpu.h"
#include "kernel/base/assert.h"
#include "kernel/threads/policy/placement.h"
#include "kernel/time/clock.h"

namespace threads {

std::array<Core, base::max_cores> Core::cores;

HomeLock::HomeLock(Thread& thread) {
  while (true) {
    const std::uint32_t index = thread.core_.load(std::memory_order_relaxed);
    Core& core = Core::at(index);
    state_ = core.lock();
    core_ = &core;
    // core_ of a thread changes only under the lock of its old value, so this is certain now.
    if (thread.core_.load(std::memory_order_relaxed) == index) return;
    core.unlock(state_);
  }
}

void Core::publish_load() {
  load_.store(queue_.size() + (running_ != &idle_ ? 1 : 0), std::memory_order_relaxed);  // a hint
}

std::uint32_t Core::place(const Thread& thread) {
  std::array<std::uint32_t, base::max_cores> loads;
  const CoreMask existing = online();
  const auto count = static_cast<std::uint32_t>(64 - std::countl_zero(existing.bits()));
  for (std::uint32_t core = 0; core < count; ++core) loads[core] = cores[core].load();
  CoreMask allowed = thread.affinity() & existing;
  if (allowed.empty()) allowed = existing;  // its cores have not started yet
  return policy::choose_core(allowed, thread.last_core(), arch::this_core(), {loads.data(), count});
}

bool Core::may_run_here(const Thread& thread) const {
  return thread.affinity().contains(index_) || (thread.affinity() & online()).empty();
}

// The running thread's share until now. Clocks of two cores may differ by a few ticks.
void Core::charge(std::uint64_t now_ns) {
  const std::uint64_t ran_ns = now_ns > charged_until_ns_ ? now_ns - charged_until_ns_ : 0;
  charged_until_ns_ = now_ns;
  if (running_ == &idle_) {
    count(counters_.idle_ns, ran_ns);
  } else {
    queue_.charge(running_->queue_entry_, ran_ns);
  }
}

void Core::add(Thread& thread, Arrival how, std::uint64_t now_ns) {
  charge(now_ns);
  thread.run_state_.store(Thread::RunState::Ready, std::memory_order_relaxed);
  policy::Entity& entity = thread.queue_entry_;
  switch (how) {
    case Arrival::New:
      queue_.add_new(entity);
      break;
    case Arrival::Woken:
      queue_.add_woken(entity);
      break;
    case Arrival::Preempted:
      queue_.add_preempted(entity);
      break;
    case Arrival::Yielded:
      queue_.add_yielded(entity);
      break;
  }
  publish_load();
}

// After a thread was added from wherever: makes this core look at it soon enough.
void Core::interrupt_if_needed(std::uint64_t now_ns) {
  const bool idle = running_ == &idle_;
  const bool urgent = idle || queue_.should_preempt(running_->queue_entry_, slice_ran_ns(now_ns));
  if (urgent) request_switch();
  if (index_ == arch::this_core()) return set_timer();
  if (idle) {
    // seq_cst: either the idle core sees the request after it said Halting, or this sees that it said so.
    if (idle_state_.load(std::memory_order_seq_cst) == IdleState::Polling) return;
  } else if (!urgent && timer_ns_ <= slice_start_ns_ + policy::slice_ns) {
    return;  // its timer will end the slice
  }
  arch::send_interrupt(index_, reschedule_vector());
}

void Core::adopt(Thread& thread, Arrival how) {
  const std::uint64_t state = lock_.lock();
  const std::uint64_t now_ns = kernel::now_ns();
  if (how != Arrival::New) queue_.join(thread.queue_entry_);
  add(thread, how, now_ns);
  interrupt_if_needed(now_ns);
  lock_.unlock(state);
}

void Core::start(Thread& thread) {
  const std::uint32_t target = place(thread);
  thread.core_.store(target, std::memory_order_relaxed);  // nobody else knows the thread yet
  at(target).adopt(thread, Arrival::New);
}

void Core::make_ready(Thread& thread, std::uint64_t state) {
  LEGO_ASSERT(thread.run_state_.load(std::memory_order_relaxed) == Thread::RunState::Blocked);
  count(counters_.wakes);
  thread.deadline_.unlink();
  const std::uint32_t target = place(thread);
  if (target == index_) {
    const std::uint64_t now_ns = kernel::now_ns();
    add(thread, Arrival::Woken, now_ns);
    interrupt_if_needed(now_ns);
    return lock_.unlock(state);
  }
  thread.run_state_.store(Thread::RunState::Ready, std::memory_order_relaxed);
  queue_.leave(thread.queue_entry_);
  thread.core_.store(target, std::memory_order_relaxed);
  lock_.unlock(state);
  at(target).adopt(thread, Arrival::Woken);
}

void Core::block_running(std::uint64_t deadline_ns, Interruptible kind, std::uint64_t state) {
  Thread& thread = *running_;
  LEGO_ASSERT(&thread != &idle_);
  const std::uint64_t now_ns = kernel::now_ns();
  charge(now_ns);
  thread.sleep_kind_ = kind;
  thread.run_state_.store(Thread::RunState::Blocked, std::memory_order_relaxed);
  if (deadline_ns != base::never_ns) {
    thread.deadline_.at_ns = deadline_ns;
    deadlines_.insert(thread.deadline_);
  }
  switch_to_next(now_ns, state);
}

// The running thread may not run here any more: whoever runs next hands it over, when its stack is free.
void Core::send_away(Thread& thread) {
  thread.run_state_.store(Thread::RunState::Ready, std::memory_order_relaxed);
  queue_.leave(thread.queue_entry_);
  thread.core_.store(place(thread), std::memory_order_relaxed);
  leaving_ = &thread;
}

void Core::put_back_running(Arrival how, std::uint64_t now_ns) {
  if (may_run_here(*running_)) {
    add(*running_, how, now_ns);
  } else {
    send_away(*running_);
  }
}

void Core::give_way(Arrival how, std::uint64_t state) {
  const std::uint64_t now_ns = kernel::now_ns();
  charge(now_ns);
  resched_.store(false, std::memory_order_relaxed);  // set under the lock only
  if (running_ != &idle_) {
    if (queue_.empty() && may_run_here(*running_)) return lock_.unlock(state);
    if (how == Arrival::Preempted) count(counters_.preemptions);
    put_back_running(how, now_ns);
  }
  switch_to_next(now_ns, state);
}

void Core::end_running(std::uint64_t state) {
  const std::uint64_t now_ns = kernel::now_ns();
  charge(now_ns);
  running_->run_state_.store(Thread::RunState::Dead, std::memory_order_relaxed);
  leaving_ = running_;
  switch_to_next(now_ns, state);
  base::platform::panic("a dead thread runs");
}

void Core::switch_to_next(std::uint64_t now_ns, std::uint64_t state) {
  Thread& previous = *running_;
  policy::Entity* entity = queue_.take_next();
  Thread& next = entity != nullptr ? thread_of(*entity) : idle_;
  next.run_state_.store(Thread::RunState::Running, std::memory_order_relaxed);
  running_ = &next;
  slice_start_ns_ = now_ns;
  resched_.store(false, std::memory_order_relaxed);
  publish_load();
  set_timer();
  if (&next != &previous) change_stacks(previous, next);
  here().finish_switch(state);
}

void Core::change_stacks(Thread& previous, Thread& next) {
  count(counters_.switches);
  begin_time(next, false);
  if (previous.tells_switches_) previous.may_have_been_switched();
  if (previous.is_user()) previous.save_user_registers();
  if (next.space_ != nullptr) {
    arch::load_address_space(*next.space_);
  } else {
    arch::be_lazy();
  }
  arch::set_entry_stack(base::KernelVa(next.stack_.top()));
  arch::this_cpu().current_thread = reinterpret_cast<std::uint64_t>(&next);
  arch::switch_stack(previous.saved_, next.saved_);
  // The previous thread runs again, perhaps on another core.
}

void Core::finish_switch(std::uint64_t state) {
  Thread* gone = leaving_;
  leaving_ = nullptr;
  lock_.unlock(state);
  if (gone == nullptr) return;
  if (gone->run_state_.load(std::memory_order_relaxed) == Thread::RunState::Dead) {
    bury(*gone);
  } else {
    at(gone->core_.load(std::memory_order_relaxed)).adopt(*gone, Arrival::Preempted);
  }
}

bool Core::move_one(Core& from, Core& to) {
  const std::uint64_t state = from.lock_.lock();
  const auto may_take = [](const policy::Entity& entity, std::uint32_t core) {
    return static_cast<const Thread::QueueEntry&>(entity).thread->affinity().contains(core);
  };
  policy::Entity* entity = from.queue_.take_for(to.index_, may_take);
  if (entity != nullptr) {
    from.queue_.leave(*entity);
    thread_of(*entity).core_.store(to.index_, std::memory_order_relaxed);
    from.publish_load();
  }
  from.lock_.unlock(state);
  if (entity == nullptr) return false;
  count(to.counters_.steals);
  to.adopt(thread_of(*entity), Arrival::Preempted);
  return true;
}

void Core::poke_if_running(const Thread& thread) {
  if (running_ == &thread && index_ != arch::this_core()) arch::send_interrupt(index_, reschedule_vector());
}

void Core::apply_nice(Thread& thread) {
  if (running_ == &thread) charge(kernel::now_ns());
  thread.queue_entry_.weight = policy::weight_of_nice(thread.nice());
}

void Core::apply_affinity(Thread& thread, std::uint64_t state) {
  if (may_run_here(thread)) return lock_.unlock(state);
  if (thread.queue_entry_.queued) {
    queue_.remove(thread.queue_entry_);
    queue_.leave(thread.queue_entry_);
    thread.core_.store(place(thread), std::memory_order_relaxed);
    publish_load();
    lock_.unlock(state);
    return at(thread.core_.load(std::memory_order_relaxed)).adopt(thread, Arrival::Preempted);
  }
  if (running_ == &thread) {
    request_switch();
    poke_if_running(thread);
  }
  lock_.unlock(state);
}

}  // namespace threads

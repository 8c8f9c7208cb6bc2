// SPDX-License-Identifier: Apache-2.0
// The simulated machine's threads, and kernel/threads over them: every thread is a fiber. The mutex is the real one.
#include <cstring>
#include <new>

#include "kernel/base/assert.h"
#include "kernel/base/platform.h"
#include "kernel/memory/kernel_map.h"
#include "kernel/threads/block.h"
#include "kernel/threads/lifetime.h"
#include "kernel/threads/scheduler.h"
#include "tests/sim/machine.h"

namespace sim {

using testing_support::Fiber;

void Machine::start(threads::Thread& thread, std::function<void()> body) {
  Fiber& fiber = scheduler_.spawn(std::move(body));
  running_[&fiber] = &thread;
  fibers_[&thread] = &fiber;
}

threads::Thread& Machine::current_thread() {
  LEGO_ASSERT(scheduler_.current() != nullptr);
  return *running_.at(scheduler_.current());
}

void Machine::unblock(threads::Thread& thread) {
  const auto found = fibers_.find(&thread);
  if (found != fibers_.end()) testing_support::Scheduler::unblock(*found->second);
}

void Machine::exit_thread() {
  threads::Thread& thread = current_thread();
  running_.erase(scheduler_.current());
  fibers_.erase(&thread);
  dead_.push_back(&thread);
  scheduler_.exit();
}

void Machine::bury_threads() {
  while (!dead_.empty()) {
    threads::Thread& thread = *dead_.back();
    dead_.pop_back();
    cores_.erase(&thread);
    if (thread.owner() != nullptr) thread.owner()->thread_gone(thread);
    threads::Lifetime::destroy(thread);
  }
}

void Machine::release_threads() {
  bury_threads();
  for (const auto& [thread, fiber] : fibers_) threads::Lifetime::destroy(*thread);
  fibers_.clear();
}

}  // namespace sim

namespace threads {

using sim::Machine;

// --- Threads
// ----------------------------------------------------------------------------------------------------------

Thread::Thread() {
  queue_entry_.thread = this;
  deadline_.thread = this;
}

void Thread::set_address_space(arch::TlbDomain* space) {
  LEGO_ASSERT(is_user() && this == &current());
  space_ = space;
  Machine::get().current_core().load(space);
}

bool Thread::must_end_wait(Interruptible kind) const {
  return kind != Interruptible::Never && (killed() || (kind == Interruptible::Yes && interrupted()));
}

void Thread::kill() {
  killed_.store(true, std::memory_order_relaxed);
  Machine::get().unblock(*this);  // it looks, and sleeps on if it may not be interrupted
}

Thread* Lifetime::make(const ThreadOptions& options) {
  void* memory = base::platform::allocate(sizeof(Thread));
  if (memory == nullptr) return nullptr;
  auto* thread = ::new (memory) Thread();
  thread->owner_ = options.owner;
  return thread;
}

void Lifetime::set_entry(Thread& thread, void (*entry)(void*), void* argument) {
  thread.entry_ = entry;
  thread.argument_ = argument;
}

base::Result<> Lifetime::make_user(Thread& thread, const arch::TrapFrame&) {
  thread.fpu_ = TRY(arch::FpuState::create());
  return {};
}

void Lifetime::set_space(Thread& thread, arch::TlbDomain& space) { thread.space_ = &space; }

void Lifetime::start(Thread& thread) {
  Machine::get().start(thread, [&thread] {
    if (thread.is_user()) Machine::get().current_core().load(thread.space_);
    thread.entry_(thread.argument_);
    exit();
  });
}

void Lifetime::destroy(Thread& thread) {
  thread.~Thread();
  base::platform::deallocate(&thread);
}

base::Result<Thread*> create(const ThreadOptions& options, void (*entry)(void*), void* argument) {
  Thread* thread = Lifetime::make(options);
  if (thread == nullptr) return base::fail(base::Error::NoMemory);
  Lifetime::set_entry(*thread, entry, argument);
  return thread;
}

base::Result<Thread*> create_user(const ThreadOptions& options, const arch::TrapFrame& frame, arch::TlbDomain& space) {
  Thread* thread = TRY(create(
      options,
      [](void* program) {
        static_cast<sim::UserProgram*>(program)->run();
        processor::Thread::current().exit();
      },
      reinterpret_cast<void*>(frame.rdi)));
  if (auto made = Lifetime::make_user(*thread, frame); !made) {
    Lifetime::destroy(*thread);
    return base::fail(made.error());
  }
  Lifetime::set_space(*thread, space);
  Machine::get().add_core(*thread);
  return thread;
}

void start(Thread& thread) { Lifetime::start(thread); }
void discard(Thread& thread) { Lifetime::destroy(thread); }
void exit() { Machine::get().exit_thread(); }
Thread& current() { return Machine::get().current_thread(); }
const base::Clock& clock() { return Machine::get().scheduler(); }
void preemption_point() { Machine::get().scheduler().yield(); }
void yield() { Machine::get().scheduler().yield(); }

// --- Waiting
// ----------------------------------------------------------------------------------------------------------

ThreadWaiter::ThreadWaiter() : thread_(current()) {}
ThreadWaiter::~ThreadWaiter() { LEGO_ASSERT(!is_linked()); }

void ThreadWaiter::wake() {
  woken_ = true;
  Machine::get().unblock(thread_);
}

void ThreadWaiter::reset() {
  LEGO_ASSERT(!is_linked());
  woken_ = false;
}

BlockResult ThreadWaiter::block(std::uint64_t deadline_ns, Interruptible interruptible) {
  LEGO_ASSERT(&thread_ == &current());
  while (true) {
    if (woken_) return BlockResult::Woken;
    if (thread_.must_end_wait(interruptible)) return BlockResult::Interrupted;
    if (clock().now_ns() >= deadline_ns) return BlockResult::TimedOut;
    Machine::get().scheduler().block(deadline_ns);
  }
}

BlockResult block_until_woken(ThreadWaiter& waiter, std::uint64_t deadline_ns, Interruptible interruptible) {
  return waiter.block(deadline_ns, interruptible);
}

BlockResult sleep_until(std::uint64_t deadline_ns, Interruptible interruptible) {
  ThreadWaiter nobody_wakes;
  return nobody_wakes.block(deadline_ns, interruptible);
}

}  // namespace threads

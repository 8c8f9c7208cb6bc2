// SPDX-License-Identifier: Apache-2.0
// The beginning and the end of threads: see scheduler.h and thread.h.
#include <atomic>
#include <new>

#include "arch/x86_64/cpu.h"
#include "kernel/base/assert.h"
#include "kernel/base/platform.h"
#include "kernel/memory/kernel_map.h"
#include "kernel/threads/core.h"
#include "kernel/threads/lifetime.h"
#include "kernel/threads/limits.h"
#include "kernel/threads/scheduler.h"

namespace threads {

namespace {

std::atomic<std::uint64_t> created{0};
std::atomic<std::uint64_t> freed{0};

// Counters, and an upper bound: they order nothing.
bool count_one_more() {
  const std::uint64_t before = created.fetch_add(1, std::memory_order_relaxed);
  if (before - freed.load(std::memory_order_relaxed) < max_threads) return true;
  freed.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void begin_in_user_mode(void*) { arch::enter_user(current().user_frame()); }

}  // namespace

// Where a new thread's stack begins: the switch to it left the core locked.
void Lifetime::begin(void* argument) {
  auto& thread = *static_cast<Thread*>(argument);
  Core::here().finish_switch(base::platform::disable_interrupts());
  arch::enable_interrupts();
  thread.entry_(thread.argument_);
  exit();
}

Thread* Lifetime::make(const ThreadOptions& options) {
  if (!count_one_more()) return nullptr;
  static_assert(alignof(Thread) <= 16);
  void* memory = base::platform::allocate(sizeof(Thread));
  auto stack = kernel::allocate_kernel_stack();
  if (memory == nullptr || !stack) {
    base::platform::deallocate(memory);
    if (stack) kernel::free_kernel_stack(*stack);
    freed.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  auto* thread = ::new (memory) Thread();
  thread->stack_ = *stack;
  thread->set_name(options.name);
  thread->owner_ = options.owner;
  thread->queue_entry_.klass = options.klass;
  thread->nice_.store(options.nice, std::memory_order_relaxed);
  thread->queue_entry_.weight = policy::weight_of_nice(options.nice);
  thread->affinity_.store(options.affinity.bits(), std::memory_order_relaxed);
  thread->core_.store(Core::here().index(), std::memory_order_relaxed);
  return thread;
}

void Lifetime::set_entry(Thread& thread, void (*entry)(void*), void* argument) {
  thread.entry_ = entry;
  thread.argument_ = argument;
  // The user frame, if there is one, is at the very top.
  const base::KernelVa top(thread.stack_.top() - sizeof(arch::TrapFrame));
  thread.saved_ = arch::prepare_stack(top, begin, &thread);
}

base::Result<> Lifetime::make_user(Thread& thread, const arch::TrapFrame& frame) {
  thread.fpu_ = TRY(arch::FpuState::create());
  thread.user_frame() = frame;
  return {};
}

void Lifetime::set_space(Thread& thread, arch::TlbDomain& space) { thread.space_ = &space; }

void Lifetime::start(Thread& thread) {
  LEGO_ASSERT(thread.run_state_.load(std::memory_order_relaxed) == Thread::RunState::New);
  Core::start(thread);
}

void Lifetime::destroy(Thread& thread) {
  const kernel::KernelStack stack = thread.stack_;
  thread.~Thread();
  base::platform::deallocate(&thread);
  kernel::free_kernel_stack(stack);
  freed.fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t Lifetime::threads_created() { return created.load(std::memory_order_relaxed); }
std::uint64_t Lifetime::threads_freed() { return freed.load(std::memory_order_relaxed); }

void bury(Thread& thread) {
  const bool enabled = arch::interrupts_enabled();
  arch::enable_interrupts();
  if (thread.owner() != nullptr) thread.owner()->thread_gone(thread);
  Lifetime::destroy(thread);
  if (!enabled) arch::disable_interrupts();
}

base::Result<Thread*> create(const ThreadOptions& options, void (*entry)(void*), void* argument) {
  Thread* thread = Lifetime::make(options);
  if (thread == nullptr) return base::fail(base::Error::NoMemory);
  Lifetime::set_entry(*thread, entry, argument);
  return thread;
}

base::Result<Thread*> create_user(const ThreadOptions& options, void (*entry)(void*), void* argument) {
  Thread* thread = TRY(create(options, entry, argument));
  if (auto made = Lifetime::make_user(*thread, arch::initial_user_frame({}, {})); !made) {
    Lifetime::destroy(*thread);
    return base::fail(made.error());
  }
  return thread;
}

base::Result<Thread*> create_user(const ThreadOptions& options, const arch::TrapFrame& frame, arch::TlbDomain& space) {
  Thread* thread = TRY(create_user(options, begin_in_user_mode, nullptr));
  thread->user_frame() = frame;
  Lifetime::set_space(*thread, space);
  return thread;
}

void start(Thread& thread) { Lifetime::start(thread); }

void discard(Thread& thread) { Lifetime::destroy(thread); }

void exit() {
  LEGO_ASSERT(!base::holds_spinlock());
  Core& core = Core::here();
  core.end_running(core.lock());
}

}  // namespace threads

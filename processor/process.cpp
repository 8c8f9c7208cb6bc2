// SPDX-License-Identifier: Apache-2.0
// Families, processes and threads: see process.h. A thread is on its process's list from start() to exit(), so whoever
// walks the list may wake, interrupt and kill it; it is counted until its kernel thread is freed.
#include "processor/process.h"

#include "kernel/base/memory.h"
#include "kernel/threads/scheduler.h"
#include "processor/address_space_state.h"
#include "processor/monitor_core.h"

namespace processor {

base::SpinLock& Process::lists_lock() {
  static constinit base::SpinLock lock{base::LockRank::Process};
  return lock;
}

// --- Threads
// ----------------------------------------------------------------------------------------------------------

Thread::Thread(Process& process) : process_(process) {}

Thread::~Thread() {
  if (kernel_thread_ != nullptr) threads::discard(*kernel_thread_);  // never started
}

base::Result<> Thread::prepare(std::string_view name, const arch::TrapFrame& frame) {
  LEGO_ASSERT(kernel_thread_ == nullptr);
  space_ = process_.share_space();
  if (!space_) return base::fail(base::Error::NoSuchProcess);
  kernel_thread_ = TRY(threads::create_user({.name = name, .owner = this}, frame, space_->domain()));
  return {};
}

void Thread::start() {
  threads::Thread& kernel = *kernel_thread_;
  {
    const base::SpinGuard guard(Process::lists_lock());
    process_.threads_.push_back(*this);
    ++process_.threads_not_gone_;
    ++process_.family_->threads_;
    if (process_.family_->killed_) kernel.kill();
  }
  threads::start(kernel);  // from now on it may end, and this object with it
}

Thread& Thread::current() {
  Thread* thread = current_or_null();
  LEGO_ASSERT(thread != nullptr);
  return *thread;
}

// Only this folder gives owners to kernel threads that have a user mode.
Thread* Thread::current_or_null() {
  threads::Thread& running = threads::current();
  return running.is_user() ? static_cast<Thread*>(running.owner()) : nullptr;
}

void Thread::exit() {
  LEGO_ASSERT(this == &current());
  core_of(process_.family()).excache().forget(fault_context);
  kernel_thread_->set_address_space(nullptr);
  space_.reset();
  {
    const base::SpinGuard guard(Process::lists_lock());
    process_.threads_.erase(process_.threads_.iterator_to(*this));
  }
  threads::exit();
}

void Thread::thread_gone(threads::Thread&) {
  kernel_thread_ = nullptr;
  const Reference<Family> family(process_.family());  // gone() may delete the process
  bool last = false;
  {
    const base::SpinGuard guard(Process::lists_lock());
    last = --process_.threads_not_gone_ == 0;
  }
  gone(last);
  const base::SpinGuard guard(Process::lists_lock());
  if (--family->threads_ == 0) family->gone_.wake_all();
}

// --- Processes
// --------------------------------------------------------------------------------------------------------

Process::Process(Reference<Family> family, Reference<AddressSpace> space)
    : family_(std::move(family)), space_(std::move(space)) {
  const base::SpinGuard guard(lists_lock());
  family_->processes_.push_back(*this);
}

Process::~Process() {
  LEGO_ASSERT(threads_.empty());
  const base::SpinGuard guard(lists_lock());
  family_->processes_.erase(family_->processes_.iterator_to(*this));
}

Family& Process::family() const { return *family_; }
AddressSpace& Process::space() const { return *space_; }

Reference<AddressSpace> Process::share_space() const {
  const base::SpinGuard guard(lists_lock());
  return space_;
}

void Process::replace_space(Reference<AddressSpace> space) {
  Thread& thread = Thread::current();
  LEGO_ASSERT(&thread.process() == this);
  core_of(*family_).excache().forget(thread.fault_context);
  thread.kernel_thread().set_address_space(&space->domain());
  Reference<AddressSpace> old = std::exchange(thread.space_, space);
  {
    const base::SpinGuard guard(lists_lock());
    std::swap(space_, space);
  }
}

void BorrowedSpace::exchange(Reference<AddressSpace> space) {
  Thread& thread = Thread::current();
  core_of(thread.process_.family()).excache().forget(thread.fault_context);
  thread.kernel_thread().set_address_space(&space->domain());
  own_ = std::exchange(thread.space_, std::move(space));
}

void Process::release_space() {
  Reference<AddressSpace> released;
  const base::SpinGuard guard(lists_lock());
  std::swap(released, space_);
}

std::uint32_t Process::thread_count() const {
  const base::SpinGuard guard(lists_lock());
  return static_cast<std::uint32_t>(threads_.size());
}

void Process::kill_all_threads() {
  for_each_thread([](Thread& thread) { thread.kernel_thread().kill(); });
}

// --- Families
// ---------------------------------------------------------------------------------------------------------

void Family::kill_all() {
  const base::SpinGuard guard(Process::lists_lock());
  killed_ = true;
  for (Process& process : processes_)
    for (Thread& thread : process.threads_) thread.kernel_thread().kill();
}

base::Result<> Family::wait_until_no_threads(Sleeper& sleeper) {
  return wait_until([](const Family& family) { return family.threads_ == 0; }, sleeper);
}

base::Result<> Family::wait_until_gone(Sleeper& sleeper) {
  return wait_until([](const Family& family) { return family.threads_ == 0 && family.holdings_ == 0; }, sleeper);
}

base::Result<> Family::wait_until(bool (*over)(const Family&), Sleeper& sleeper) {
  while (true) {
    {
      const base::SpinGuard guard(Process::lists_lock());
      if (over(*this)) return {};
      gone_.add(sleeper);
    }
    if (sleeper.sleep()) continue;
    const base::SpinGuard guard(Process::lists_lock());
    sleeper.unlink();
    return base::fail(base::Error::Interrupted);
  }
}

void Family::add_holding() {
  const base::SpinGuard guard(Process::lists_lock());
  ++holdings_;
}

void Family::remove_holding() {
  const base::SpinGuard guard(Process::lists_lock());
  LEGO_ASSERT(holdings_ > 0);
  if (--holdings_ == 0) gone_.wake_all();
}

void Family::last_reference_gone() { base::Own<Family>(this).reset(); }

}  // namespace processor

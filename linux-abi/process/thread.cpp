// SPDX-License-Identifier: Apache-2.0
// A Linux thread as the caller of system calls: see thread.h.
#include "linux-abi/process/thread.h"

#include "arch/x86_64/user_copy.h"
#include "kernel/base/memory.h"
#include "kernel/threads/scheduler.h"
#include "linux-abi/process/signal_sending.h"
#include "linux-abi/time/wall_clock.h"

namespace linux_abi {

using threads::BlockResult;
using threads::Interruptible;

bool ThreadSleep::sleep() { return wait(base::never_ns, Interruptible::KillOnly) == BlockResult::Woken; }
std::uint64_t ThreadSleep::now_ns() const { return threads::clock().now_ns(); }

BlockResult ThreadSleep::wait(std::uint64_t deadline_ns, Interruptible interruptible) {
  const BlockResult result = threads::block_until_woken(waiter_, deadline_ns, interruptible);
  waiter_.reset();
  return result;
}

ThreadSleep& Thread::sleep_for_kernel() {
  if (!kernel_sleep_) kernel_sleep_.emplace(kernel_thread());
  return *kernel_sleep_;
}

ThreadSleep& Thread::sleep_for_signals() {
  if (!signal_sleep_) signal_sleep_.emplace(kernel_thread());
  return *signal_sleep_;
}

WaitEnd Thread::wait(base::Waiter& waiter, std::uint64_t deadline_ns) {
  switch (static_cast<ThreadSleep&>(waiter).wait(deadline_ns, Interruptible::Yes)) {
    case BlockResult::Woken:
      return WaitEnd::Woken;
    case BlockResult::TimedOut:
      return WaitEnd::TimedOut;
    case BlockResult::Interrupted:
      return WaitEnd::Interrupted;
  }
  return WaitEnd::Interrupted;
}

std::uint64_t Thread::now_ns() const { return threads::clock().now_ns(); }
std::uint64_t Thread::wall_time_ns() const { return wall_clock_ns(); }

std::uint64_t Thread::limit(int resource) const {
  if (resource < 0 || static_cast<std::size_t>(resource) >= resources) return unlimited;
  const base::SpinGuard guard(tasks_lock);
  return process().limits.values[static_cast<std::size_t>(resource)].soft;
}

void Thread::raise(int signal) {
  const base::SpinGuard guard(tasks_lock);
  send_to_thread_locked(*this, {.signal = signal, .code = sig::code::kernel});
}

Answer<> Thread::copy_out(std::uint64_t to, std::span<const std::byte> from) {
  TRY(arch::copy_to_user(base::UserVa(to), from));
  return {};
}

Answer<> Thread::copy_in(std::span<std::byte> to, std::uint64_t from) {
  TRY(arch::copy_from_user(to, base::UserVa(from)));
  return {};
}

void Thread::gone(bool last) {
  Process& owner = process();
  bool finished = false;
  if (last) {
    const base::SpinGuard guard(tasks_lock);
    owner.threads_gone = true;
    finished = owner.finished();
  }
  base::Own<Thread>(this).reset();
  if (finished) base::Own<Process>(&owner).reset();
}

}  // namespace linux_abi

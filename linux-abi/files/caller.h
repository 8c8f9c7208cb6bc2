// SPDX-License-Identifier: Apache-2.0
// The thread that makes a system call, as files see it: it can sleep, it has credentials, a working directory and user
// memory. linux_abi::Thread is one; hosted tests have their own.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/base/clock.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/waiter.h"
#include "linux-abi/abi/errno.h"
#include "linux-abi/process/credentials.h"
#include "processor/sleeper.h"

namespace linux_abi {

class FileContext;
class DescriptorTable;

enum class WaitEnd : std::uint8_t { Woken, TimedOut, Interrupted };

class Caller {
 public:
  // For the blocking calls of processor/: only killing ends those.
  virtual processor::Sleeper& sleeper() = 0;
  // Sleeps until `waiter`, which is linked where it will be woken, is woken; a signal or the deadline (on clock()) end
  // it too: then take the waiter off its queue under the queue's lock. No spinlock held. wait_until() is the easy form.
  virtual WaitEnd wait(base::Waiter& waiter, std::uint64_t deadline_ns) = 0;
  // A waiter for wait(), on no queue. Each wait() uses it anew.
  virtual base::Waiter& waiter() = 0;

  virtual std::uint64_t now_ns() const = 0;        // monotonic
  virtual std::uint64_t wall_time_ns() const = 0;  // since 1970
  virtual const Credentials& credentials() const = 0;
  virtual FileContext& file_context() = 0;
  virtual DescriptorTable& descriptors() = 0;
  virtual std::uint64_t process_id() const = 0;         // of the process, never reused (a pid is)
  virtual std::uint64_t limit(int resource) const = 0;  // RLIMIT_*, soft
  virtual void raise(int signal) = 0;                   // SIGPIPE, SIGXFSZ, SIGTTIN... to the caller
  // User memory: EFAULT.
  virtual Answer<> copy_out(std::uint64_t to, std::span<const std::byte> from) = 0;
  virtual Answer<> copy_in(std::span<std::byte> to, std::uint64_t from) = 0;

 protected:
  ~Caller() = default;
};

// Waits until ready() is true, with `lock` held around each look; queue is woken whenever it may have become true.
// EINTR's restart code, ETIMEDOUT. On success the lock is held again by the guard that the caller made... see usage:
//   TRY(wait_until(caller, lock, queue, base::never_ns, [&] { return !empty(); }));   // without the lock
// ready() does the work as well (takes the bytes) so that nothing can come between.
template <typename Ready>
Answer<> wait_until(Caller& caller, base::SpinLock& lock, base::WaitQueue& queue, std::uint64_t deadline_ns,
                    Ready ready) {
  while (true) {
    base::Waiter& waiter = caller.waiter();
    {
      const base::SpinGuard guard(lock);
      if (ready()) return {};
      queue.add(waiter);
    }
    const WaitEnd end = caller.wait(waiter, deadline_ns);
    if (end == WaitEnd::Woken) continue;
    const base::SpinGuard guard(lock);
    waiter.unlink();
    if (ready()) return {};
    return error(end == WaitEnd::TimedOut ? ETIMEDOUT : restart_always);
  }
}

}  // namespace linux_abi

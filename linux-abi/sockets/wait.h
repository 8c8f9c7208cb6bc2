// SPDX-License-Identifier: Apache-2.0
// Waiting where what is waited for changes from look to look: like wait_until() of files/caller.h, but each look says
// on which queue to wait next.
#pragma once

#include "linux-abi/files/caller.h"

namespace linux_abi {

// look() is called with `lock` held and does the work as well; it returns nullptr when that is done. EINTR's restart
// code, ETIMEDOUT. Whatever the queue is part of must outlive the call.
template <typename Look>
Answer<> wait_by_looks(Caller& caller, base::SpinLock& lock, std::uint64_t deadline_ns, Look look) {
  while (true) {
    base::Waiter& waiter = caller.waiter();
    {
      const base::SpinGuard guard(lock);
      base::WaitQueue* const queue = look();
      if (queue == nullptr) return {};
      queue->add(waiter);
    }
    const WaitEnd end = caller.wait(waiter, deadline_ns);
    if (end == WaitEnd::Woken) continue;
    const base::SpinGuard guard(lock);
    waiter.unlink();
    if (look() == nullptr) return {};
    return error(end == WaitEnd::TimedOut ? ETIMEDOUT : restart_always);
  }
}

// A call with a time-out of its own is not made again after a signal, and ends with EAGAIN when the time is over.
inline Errno socket_wait_failure(const Errno& failure, std::uint64_t deadline_ns) {
  if (failure == ETIMEDOUT) return Errno(EAGAIN);
  return failure == restart_always && deadline_ns != base::never_ns ? Errno(EINTR) : failure;
}

}  // namespace linux_abi

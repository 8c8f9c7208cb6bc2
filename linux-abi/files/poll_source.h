// SPDX-License-Identifier: Apache-2.0
// Who wants to know when a file becomes ready: poll, select and epoll link Watches into the source of each file; the
// file calls notify() after every change. Pure; lock rank Process is the file's own business: a PollSource has a lock
// of its own (rank Poll), below which only wake() is called.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "kernel/base/spinlock.h"

namespace linux_abi {

inline constexpr std::uint32_t poll_always_ready = 0x145;  // POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM

class Watch : public boost::intrusive::list_base_hook<> {
 public:
  // The file changed; `events` is a hint of what (0: unknown). Interrupts disabled, the source's lock held: it may only
  // note it and wake a thread.
  virtual void notified(std::uint32_t events) = 0;
  // The same of who may want it for itself alone (EPOLLEXCLUSIVE), which has no business here if somebody has taken it
  // already. Whether somebody has now.
  virtual bool offered(std::uint32_t events, bool taken) {
    notified(events);
    return taken;
  }

 protected:
  ~Watch() = default;
};

class PollSource {
 public:
  // rank: another one only for an epoll's own source, which others' notices are passed on to.
  explicit PollSource(base::LockRank rank = base::LockRank::Poll) : lock_(rank) {}
  void add(Watch& watch) {
    const base::SpinGuard guard(lock_);
    watches_.push_back(watch);
  }
  void remove(Watch& watch) {
    const base::SpinGuard guard(lock_);
    watches_.erase(watches_.iterator_to(watch));
  }
  void notify(std::uint32_t events) {
    const base::SpinGuard guard(lock_);
    bool taken = false;
    for (Watch& watch : watches_) taken = watch.offered(events, taken);
  }

 private:
  base::SpinLock lock_;
  boost::intrusive::list<Watch, boost::intrusive::constant_time_size<false>> watches_;
};

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// The Ethernet port on a pComponent: see thread_port.h.
#include "linux-abi/component/thread_port.h"

#include <algorithm>

#include "kernel/threads/scheduler.h"

namespace linux_abi {

ThreadPort::ThreadPort(base::EventLoop& loop, netdev::NetDevice& device, port::EthernetPort& port)
    : loop_(loop), port_(port) {
  device.set_interrupt_handler(*this);
  port.set_alarm(*this);
  loop.set_waker(*this);
}

void ThreadPort::wake_thread() {
  const base::SpinGuard guard(lock_);
  woken_ = true;
  if (waiter_ != nullptr) std::exchange(waiter_, nullptr)->wake();
}

void ThreadPort::poll_wanted() { poll_wanted_.store(true, std::memory_order_release); }

void ThreadPort::maintenance_wanted() {
  maintenance_wanted_.store(true, std::memory_order_release);
  wake_thread();
}

// The thread already wakes at or before that time in nearly all cases: one wake-up serves many sends.
void ThreadPort::wanted_at(std::uint64_t deadline_ns) {
  if (deadline_ns < sleeps_until_ns_.load(std::memory_order_relaxed)) wake_thread();
}

void ThreadPort::deliver() {
  rpc::Endpoint* endpoint = endpoint_.load(std::memory_order_acquire);
  while (endpoint != nullptr && poll_wanted_.exchange(false, std::memory_order_acq_rel)) endpoint->poll();
}

bool ThreadPort::handle_events() {
  const bool any = port_.poll();
  deliver();
  return any;
}

void ThreadPort::interrupt() {
  do {
    while (handle_events()) {
    }
  } while (!port_.arm());
}

bool ThreadPort::poll() {
  const std::uint64_t now = threads::clock().now_ns();
  if (handle_events()) {
    spin_until_ns_.store(now + spin_ns, std::memory_order_relaxed);
    return true;
  }
  const std::uint64_t deadline = port_.deadline_ns();
  if (deadline == base::never_ns) return false;  // nothing of ours is unanswered
  if (awaited_deadline_ns_.exchange(deadline, std::memory_order_relaxed) != deadline)
    spin_until_ns_.store(now + spin_ns, std::memory_order_relaxed);
  return now < spin_until_ns_.load(std::memory_order_relaxed);
}

std::uint64_t ThreadPort::run_once() {
  handle_events();
  rpc::Endpoint* endpoint = endpoint_.load(std::memory_order_acquire);
  if (endpoint != nullptr) {
    const bool due = endpoint->next_deadline_ns() <= loop_.now_ns();
    if (maintenance_wanted_.exchange(false, std::memory_order_acq_rel) || due) endpoint->maintain();
    deliver();
  }
  loop_.run_ready();
  std::uint64_t next = std::min(loop_.next_deadline_ns(), port_.deadline_ns());
  if (endpoint != nullptr) next = std::min(next, endpoint->next_deadline_ns());
  return next;
}

void ThreadPort::run() {
  if (!port_.arm()) handle_events();
  while (true) {
    {
      const base::SpinGuard guard(lock_);
      woken_ = false;
    }
    const std::uint64_t next = run_once();
    threads::ThreadWaiter waiter;
    {
      const base::SpinGuard guard(lock_);
      if (woken_ || !loop_.idle()) continue;
      sleeps_until_ns_.store(next, std::memory_order_relaxed);
      waiter_ = &waiter;
    }
    // A deadline that came nearer just before it could be seen here.
    if (port_.deadline_ns() < next) wake_thread();
    (void)threads::block_until_woken(waiter, next, threads::Interruptible::Never);
    const base::SpinGuard guard(lock_);
    waiter_ = nullptr;
    sleeps_until_ns_.store(0, std::memory_order_relaxed);
  }
}

}  // namespace linux_abi

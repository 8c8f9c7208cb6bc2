// SPDX-License-Identifier: Apache-2.0
// Interrupts, the idle look and the thread of the loop.
#include "net/port/thread_port.h"

#include <algorithm>
#include <utility>

#include "kernel/base/platform.h"
#include "kernel/threads/scheduler.h"

namespace port {

using base::SpinGuard;

namespace {
// Of 64 events each. An interrupt does about a millisecond's work at most, then the thread goes on, which gives way to
// others.
constexpr unsigned interrupt_rounds = 4;
constexpr unsigned thread_rounds = 16;
// Looks of an idle core between two visits to the scheduler, which take some microseconds together.
constexpr unsigned idle_looks = 16;
}  // namespace

Result<base::Own<ThreadPort>> ThreadPort::create(base::EventLoop& loop, EthernetPort& port, netdev::NetDevice& device) {
  auto made = TRY(base::try_make<ThreadPort>(loop, port));
  TRY(threads::add_idle_poller(*made));
  device.set_interrupt_handler(*made);
  port.set_alarm(*made);
  loop.set_waker(*made);
  return made;
}

void ThreadPort::wake_thread() {
  const SpinGuard guard(lock_);
  woken_ = true;
  if (waiter_ != nullptr) std::exchange(waiter_, nullptr)->wake();
}

void ThreadPort::maintenance_wanted() {
  maintenance_wanted_.store(true, std::memory_order_release);
  wake_thread();
}

// To the thread's account. What completions submit (deliver) is nobody's.
void ThreadPort::demand_submitted() { threads::current().count_message(); }

// A thread that sleeps no longer than that notices by itself: busy times wake it every few milliseconds, not with every
// frame.
void ThreadPort::wanted_at(std::uint64_t deadline_ns) {
  if (deadline_ns < sleeps_until_ns_.load(std::memory_order_relaxed)) wake_thread();
}

void ThreadPort::deliver() {
  rpc::Endpoint* endpoint = endpoint_.load(std::memory_order_acquire);
  threads::Thread& interrupted = threads::current();
  const std::uint64_t messages = interrupted.messages();
  while (endpoint != nullptr && poll_wanted_.exchange(false, std::memory_order_acq_rel)) endpoint->poll();
  interrupted.set_messages(messages);
}

bool ThreadPort::handle_events() {
  const bool any = port_.poll();
  deliver();
  return any;
}

// Handles what there is. True: the device is armed and quiet; false: there is more.
bool ThreadPort::serve(unsigned rounds) {
  for (unsigned round = 0; round < rounds; ++round) {
    if (!handle_events() && port_.arm()) return true;
  }
  return false;
}

void ThreadPort::serve_or_delegate(unsigned rounds) {
  if (!serve(rounds)) wake_thread();
}

void ThreadPort::interrupt() { serve_or_delegate(interrupt_rounds); }

bool ThreadPort::poll() {
  const Expectation* expectation = expectation_.load(std::memory_order_acquire);
  const std::uint64_t since_ns = expectation == nullptr ? 0 : expectation->waiting_since_ns();
  if (handle_events()) return true;
  if (!spin_policy_.spin(since_ns, threads::clock().now_ns())) return false;
  port_.disarm();
  for (unsigned look = 0; look < idle_looks && !handle_events(); ++look) base::platform::relax();
  serve_or_delegate(interrupt_rounds);
  return true;
}

// What the thread does in one turn; returns when it has to be next, 0: at once. A device that is never quiet must not
// keep the loop's timers, heartbeats among them, from their turn.
std::uint64_t ThreadPort::run_once() {
  const bool quiet = serve(thread_rounds);
  rpc::Endpoint* endpoint = endpoint_.load(std::memory_order_acquire);
  if (endpoint != nullptr) {
    const bool due = endpoint->next_deadline_ns() <= loop_.now_ns();
    if (maintenance_wanted_.exchange(false, std::memory_order_acq_rel) || due) endpoint->maintain();
    deliver();
  }
  loop_.run_ready();
  if (!quiet) return 0;
  std::uint64_t next_ns = std::min(loop_.next_deadline_ns(), port_.deadline_ns());
  if (endpoint != nullptr) next_ns = std::min(next_ns, endpoint->next_deadline_ns());
  return next_ns;
}

void ThreadPort::sleep_until(std::uint64_t next_ns) {
  threads::ThreadWaiter waiter;
  {
    const SpinGuard guard(lock_);
    if (woken_ || !loop_.idle()) return;
    sleeps_until_ns_.store(next_ns, std::memory_order_relaxed);
    waiter_ = &waiter;
  }
  // A deadline that came nearer just before it could be seen here.
  if (port_.deadline_ns() < next_ns) wake_thread();
  (void)threads::block_until_woken(waiter, next_ns, threads::Interruptible::Never);
  const SpinGuard guard(lock_);
  waiter_ = nullptr;
  sleeps_until_ns_.store(0, std::memory_order_relaxed);
}

void ThreadPort::run() {
  while (true) {
    {
      const SpinGuard guard(lock_);
      woken_ = false;
    }
    const std::uint64_t next_ns = run_once();
    if (next_ns == 0) {
      threads::yield();
    } else {
      sleep_until(next_ns);
    }
  }
}

}  // namespace port

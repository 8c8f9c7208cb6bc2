// SPDX-License-Identifier: Apache-2.0
// Interrupts, the idle look and the port's thread.
#include "net/port/thread_port.h"

#include "kernel/base/platform.h"

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

Result<base::Own<ThreadPort>> ThreadPort::start(EthernetPort& port, netdev::NetDevice& device,
                                                const Expectation* expectation) {
  auto driver = TRY(base::try_make<ThreadPort>(port, expectation));
  const auto run = [](void* object) { static_cast<ThreadPort*>(object)->run(); };
  threads::Thread* const thread =
      TRY(threads::create({.name = "net", .klass = policy::Class::High}, run, driver.get()));
  if (const auto added = threads::add_idle_poller(*driver); !added) {
    threads::discard(*thread);
    return base::fail(added.error());
  }
  device.set_interrupt_handler(*driver);
  port.set_alarm(*driver);
  threads::start(*thread);
  return driver;
}

// Handles what there is. True: the device is armed and quiet; false: there is more.
bool ThreadPort::serve(unsigned rounds) {
  for (unsigned round = 0; round < rounds; ++round) {
    if (!port_.poll() && port_.arm()) return true;
  }
  return false;
}

void ThreadPort::serve_or_delegate(unsigned rounds) {
  if (serve(rounds)) return;
  SpinGuard guard(port_.lock());
  work_left_ = true;
  if (waiter_ != nullptr) waiter_->wake();
}

void ThreadPort::interrupt() { serve_or_delegate(interrupt_rounds); }

bool ThreadPort::poll() {
  const std::uint64_t since_ns = expectation_ == nullptr ? 0 : expectation_->waiting_since_ns();
  if (port_.poll()) return true;
  if (!spin_policy_.spin(since_ns, threads::clock().now_ns())) return false;
  port_.disarm();
  for (unsigned look = 0; look < idle_looks && !port_.poll(); ++look) base::platform::relax();
  serve_or_delegate(interrupt_rounds);
  return true;
}

// With port_.lock() held. A thread that sleeps no longer than that notices by itself: busy times wake it every few
// milliseconds, not with every frame.
void ThreadPort::wanted_at(std::uint64_t deadline_ns) {
  if (waiter_ != nullptr && deadline_ns < sleeping_until_ns_) waiter_->wake();
}

void ThreadPort::sleep() {
  threads::ThreadWaiter waiter;
  std::uint64_t until_ns = base::never_ns;
  {
    SpinGuard guard(port_.lock());
    if (work_left_) return;
    waiter_ = &waiter;
    until_ns = sleeping_until_ns_ = port_.deadline_ns();
  }
  (void)threads::block_until_woken(waiter, until_ns, threads::Interruptible::Never);
  SpinGuard guard(port_.lock());
  waiter_ = nullptr;
  sleeping_until_ns_ = 0;
}

void ThreadPort::run() {
  while (true) {
    {
      SpinGuard guard(port_.lock());
      work_left_ = false;
    }
    while (!serve(thread_rounds)) threads::preemption_point();
    sleep();
  }
}

}  // namespace port

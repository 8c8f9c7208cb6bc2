// SPDX-License-Identifier: Apache-2.0
// A port on a component that runs threads (pComponent). The device's interrupt polls the port right where it arrives;
// what is more than an interrupt should do is left to a thread of the port's own, which also keeps the engine's time.
// Idle cores look at the device before they halt, and spin a little where answers come fast. Whoever disarms the device
// polls it and arms it again, so it is armed whenever nobody is at it.
#pragma once

#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/threads/block.h"
#include "kernel/threads/idle_poller.h"
#include "kernel/threads/scheduler.h"
#include "net/port/ethernet_port.h"
#include "net/port/spin_policy.h"

namespace port {

// Says for how long the component has been waiting for an answer, so that idle cores know whether to spin.
class Expectation {
 public:
  // When the oldest answer that a thread sleeps for was asked for; 0: none is. Any context; a guess will do.
  virtual std::uint64_t waiting_since_ns() const = 0;

 protected:
  ~Expectation() = default;
};

class ThreadPort final : private device::InterruptHandler, private threads::IdlePoller, private Alarm {
 public:
  // The port runs from now on, on all cores. `expectation` may be null: then no core spins. All outlive it; it is for
  // ever. NoMemory, Exhausted.
  static Result<base::Own<ThreadPort>> start(EthernetPort& port, netdev::NetDevice& device,
                                             const Expectation* expectation);
  ThreadPort(EthernetPort& port, const Expectation* expectation) : port_(port), expectation_(expectation) {}

 private:
  void interrupt() override;
  bool poll() override;
  bool ready_to_halt() override { return port_.arm(); }
  void wanted_at(std::uint64_t deadline_ns) override;
  bool serve(unsigned rounds);
  void serve_or_delegate(unsigned rounds);
  [[noreturn]] void run();
  void sleep();

  EthernetPort& port_;
  const Expectation* expectation_;
  SpinPolicy spin_policy_;                   // of the one idle core that polls
  threads::ThreadWaiter* waiter_ = nullptr;  // of the port's thread; this and the next two are guarded by port_.lock()
  std::uint64_t sleeping_until_ns_ = 0;      // 0: the thread is awake
  bool work_left_ = false;                   // by an interrupt
};

}  // namespace port

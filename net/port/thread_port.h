// SPDX-License-Identifier: Apache-2.0
// A port on a component that runs threads (pComponent). The device's interrupt handles frames and delivers RPC answers
// right where it arrives; idle cores look at the device before they halt, and spin a little where answers come fast;
// what is more than an interrupt should do, retransmission timers and everything that may allocate belong to the
// component's loop, which a thread runs. Whoever disarms the device polls it and arms it again, so it is armed whenever
// nobody is at it.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/base/executor.h"
#include "kernel/base/spin_policy.h"
#include "kernel/threads/block.h"
#include "kernel/threads/idle_poller.h"
#include "net/port/ethernet_port.h"
#include "net/rpc/endpoint.h"

namespace port {

// Says for how long the component has been waiting for an answer, so that idle cores know whether to spin.
class Expectation {
 public:
  // When the answer that is waited for was asked for; 0: none is. Any context; a guess will do.
  virtual std::uint64_t waiting_since_ns() const = 0;

 protected:
  ~Expectation() = default;
};

class ThreadPort final : public rpc::Driver,
                         private threads::IdlePoller,
                         private Alarm,
                         private device::InterruptHandler,
                         private base::LoopWaker {
 public:
  // Idle cores serve the port from now on. Everything given outlives it; it is for ever. NoMemory, Exhausted.
  static Result<base::Own<ThreadPort>> create(base::EventLoop& loop, EthernetPort& port, netdev::NetDevice& device);
  ThreadPort(base::EventLoop& loop, EthernetPort& port) : loop_(loop), port_(port) {}  // for create()

  // Without it no core spins.
  void expect(const Expectation& expectation) { expectation_.store(&expectation, std::memory_order_release); }
  // Once, after Endpoint::create with this driver; a port without an endpoint is for verbs alone.
  void attach(rpc::Endpoint& endpoint) { endpoint_.store(&endpoint, std::memory_order_release); }
  // The thread that runs the loop, and keeps the engine's time; never returns.
  [[noreturn]] void run();

  // rpc::Driver
  void poll_wanted() override { poll_wanted_.store(true, std::memory_order_release); }
  void maintenance_wanted() override;
  void demand_submitted() override;

 private:
  bool poll() override;
  bool ready_to_halt() override { return port_.arm(); }
  void interrupt() override;
  void wanted_at(std::uint64_t deadline_ns) override;
  void wake() override { wake_thread(); }
  void wake_thread();
  bool handle_events();
  void deliver();
  bool serve(unsigned rounds);
  void serve_or_delegate(unsigned rounds);
  std::uint64_t run_once();
  void sleep_until(std::uint64_t next_ns);

  base::EventLoop& loop_;
  EthernetPort& port_;
  // Release where they are set pairs with acquire where they are read.
  std::atomic<rpc::Endpoint*> endpoint_{nullptr};
  std::atomic<const Expectation*> expectation_{nullptr};
  std::atomic<bool> poll_wanted_{false};
  std::atomic<bool> maintenance_wanted_{false};
  std::atomic<std::uint64_t> sleeps_until_ns_{0};            // 0: the thread is awake
  base::SpinPolicy spin_policy_{50 * base::microsecond_ns};  // of the one idle core that polls

  base::SpinLock lock_{base::LockRank::Threads};  // guards what follows
  threads::ThreadWaiter* waiter_ = nullptr;       // while the thread sleeps, or is about to
  bool woken_ = false;
};

}  // namespace port

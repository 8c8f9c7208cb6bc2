// SPDX-License-Identifier: Apache-2.0
// The Ethernet port on a pComponent: interrupts handle frames and deliver RPC completions on the spot; idle cores look
// before they halt, and spin for a few microseconds while an answer is due; retransmission timers and everything that
// may allocate belong to the component's loop, which a kernel thread runs.
#pragma once

#include <atomic>

#include "kernel/base/executor.h"
#include "kernel/netdev/net_device.h"
#include "kernel/threads/block.h"
#include "kernel/threads/idle_poller.h"
#include "net/port/ethernet_port.h"
#include "net/rpc/endpoint.h"

namespace linux_abi {

class ThreadPort final : public rpc::Driver,
                         public threads::IdlePoller,
                         private port::Alarm,
                         private device::InterruptHandler,
                         private base::LoopWaker {
 public:
  ThreadPort(base::EventLoop& loop, netdev::NetDevice& device, port::EthernetPort& port);

  // Once, after Endpoint::create with this driver.
  void attach(rpc::Endpoint& endpoint) { endpoint_.store(&endpoint, std::memory_order_release); }
  // The kernel thread that runs the loop; never returns.
  [[noreturn]] void run();

  // rpc::Driver
  void poll_wanted() override;
  void maintenance_wanted() override;

  // threads::IdlePoller
  bool poll() override;
  bool ready_to_halt() override { return port_.arm(); }

 private:
  static constexpr std::uint64_t spin_ns = 50'000;  // of an idle core for an answer that is due

  void interrupt() override;
  void wanted_at(std::uint64_t deadline_ns) override;
  void wake() override { wake_thread(); }
  void wake_thread();
  bool handle_events();
  void deliver();
  std::uint64_t run_once();

  base::EventLoop& loop_;
  port::EthernetPort& port_;
  std::atomic<rpc::Endpoint*> endpoint_{nullptr};  // release in attach pairs with acquire where it is read
  std::atomic<bool> poll_wanted_{false};
  std::atomic<bool> maintenance_wanted_{false};
  std::atomic<std::uint64_t> sleeps_until_ns_{0};
  // Of idle cores; racing cores only spin a little more or less.
  std::atomic<std::uint64_t> awaited_deadline_ns_{base::never_ns};
  std::atomic<std::uint64_t> spin_until_ns_{0};

  base::SpinLock lock_{base::LockRank::Threads};  // guards waiter_
  threads::ThreadWaiter* waiter_ = nullptr;       // while the loop's thread sleeps, or is about to
  bool woken_ = false;
};

}  // namespace linux_abi

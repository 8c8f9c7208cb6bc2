// SPDX-License-Identifier: Apache-2.0
// A port on an event core (mComponent, sComponent): polled on every turn of the core's loop; the device interrupts only
// while the core sleeps, and the loop's timer keeps the engine's time. The device's vector is on the same core.
#pragma once

#include "kernel/base/executor.h"
#include "kernel/core/event_core.h"
#include "net/port/ethernet_port.h"

namespace port {

class EventPort final : public kernel::Poller, private device::InterruptHandler, private base::Timer {
 public:
  // All three outlive it. The port runs from now on.
  EventPort(EthernetPort& port, netdev::NetDevice& device, kernel::EventCore& core) : port_(port), loop_(core.loop()) {
    device.set_interrupt_handler(*this);
    core.add(*this);
  }

  bool poll() override;
  bool arm() override { return port_.arm(); }
  void disarm() override { port_.disarm(); }

 private:
  void interrupt() override {}  // it has ended the HLT: that was all
  void expired() override {}    // poll() follows in the same turn

  EthernetPort& port_;
  base::EventLoop& loop_;
};

}  // namespace port

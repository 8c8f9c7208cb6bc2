// SPDX-License-Identifier: Apache-2.0
// The Ethernet port on an event core (mComponent, sComponent): polled on each turn of the run loop, which halts when
// nothing is left; the engine's time is a timer of the loop.
#pragma once

#include "kernel/core/event_core.h"
#include "kernel/netdev/net_device.h"
#include "net/port/ethernet_port.h"

namespace component {

class EventPort final : public kernel::Poller,
                        private base::Timer,
                        private port::Alarm,
                        private device::InterruptHandler {
 public:
  EventPort(kernel::EventCore& core, netdev::NetDevice& device, port::EthernetPort& port);

  bool poll() override;
  bool arm() override { return port_.arm(); }
  void disarm() override { port_.disarm(); }

 private:
  void expired() override {}  // the turn that runs it polls as well
  void wanted_at(std::uint64_t deadline_ns) override;
  void interrupt() override {}  // it has ended the HLT: that was all

  kernel::EventCore& core_;
  port::EthernetPort& port_;
};

}  // namespace component

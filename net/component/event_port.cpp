// SPDX-License-Identifier: Apache-2.0
// The Ethernet port on an event core: see event_port.h.
#include "net/component/event_port.h"

namespace component {

EventPort::EventPort(kernel::EventCore& core, netdev::NetDevice& device, port::EthernetPort& port)
    : core_(core), port_(port) {
  device.set_interrupt_handler(*this);
  port.set_alarm(*this);
  core.add(*this);
}

bool EventPort::poll() {
  const bool any = port_.poll();
  const std::uint64_t deadline = port_.deadline_ns();
  if (deadline == base::never_ns)
    cancel();
  else if (!armed() || deadline_ns() != deadline)
    core_.loop().arm(*this, deadline);
  return any;
}

void EventPort::wanted_at(std::uint64_t deadline_ns) {
  if (!armed() || this->deadline_ns() > deadline_ns) core_.loop().arm(*this, deadline_ns);
}

}  // namespace component

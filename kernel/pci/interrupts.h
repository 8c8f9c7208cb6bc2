// SPDX-License-Identifier: Apache-2.0
// Where a driver gets the messages that its function is to interrupt with; the machine decides on core and vector.
#pragma once

#include "kernel/base/error.h"
#include "kernel/device/polled_device.h"
#include "kernel/pci/msix.h"

namespace pci {

class Interrupts {
 public:
  // From now on the message calls the handler. Exhausted: the core has no vector left.
  virtual base::Result<Message> connect(device::InterruptHandler& handler) = 0;
  // The function no longer sends the message.
  virtual void disconnect(device::InterruptHandler& handler) = 0;

 protected:
  ~Interrupts() = default;
};

}  // namespace pci

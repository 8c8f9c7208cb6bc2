// SPDX-License-Identifier: Apache-2.0
// Brings up the machine's network devices.
#pragma once

#include <cstdint>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/base/memory.h"
#include "kernel/drivers/machine.h"
#include "kernel/netdev/net_device.h"

namespace drivers {

// In the order of their PCI addresses; interrupts go to `core`. A device that cannot be used is logged and left out.
base::Result<base::Array<base::Own<netdev::NetDevice>>> start_network_devices(Machine& machine, std::uint32_t core);

}  // namespace drivers

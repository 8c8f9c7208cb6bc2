// SPDX-License-Identifier: Apache-2.0
// Network devices of the machine: virtio.
#include "kernel/drivers/network.h"

#include "kernel/drivers/virtio_functions.h"
#include "kernel/time/clock.h"
#include "kernel/virtio/net.h"

namespace drivers {

base::Result<base::Array<base::Own<netdev::NetDevice>>> start_network_devices(Machine& machine, std::uint32_t core) {
  return start_virtio<netdev::NetDevice>(
      machine, core, virtio::DeviceType::Network, "network device", [&machine](base::Own<virtio::Transport> transport) {
        return virtio::VirtioNet::create(std::move(transport), machine.memory(), kernel::clock());
      });
}

}  // namespace drivers

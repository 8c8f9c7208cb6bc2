// SPDX-License-Identifier: Apache-2.0
// Block devices of the machine: virtio.
#include "kernel/drivers/disks.h"

#include "kernel/drivers/virtio_functions.h"
#include "kernel/virtio/block.h"

namespace drivers {

base::Result<base::Array<base::Own<blockdev::BlockDevice>>> start_disks(Machine& machine, std::uint32_t core) {
  return start_virtio<blockdev::BlockDevice>(
      machine, core, virtio::DeviceType::Block, "disk", [&machine](base::Own<virtio::Transport> transport) {
        return virtio::VirtioBlock::create(std::move(transport), machine.memory());
      });
}

}  // namespace drivers

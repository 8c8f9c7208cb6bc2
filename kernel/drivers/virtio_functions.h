// SPDX-License-Identifier: Apache-2.0
// For each virtio function of a kind: a transport, and a driver made of it. What fails is logged and left out.
#pragma once

#include <string_view>

#include "kernel/base/log.h"
#include "kernel/drivers/machine.h"
#include "kernel/virtio/pci_transport.h"

namespace drivers {

template <typename Interface, typename MakeDriver>
base::Result<base::Array<base::Own<Interface>>> start_virtio(Machine& machine, std::uint32_t core,
                                                             virtio::DeviceType type, std::string_view name,
                                                             MakeDriver make_driver) {
  base::Array<base::Own<Interface>> devices;
  pci::Interrupts* const interrupts = TRY(machine.interrupts(core));
  const auto start = [&](const pci::Function& function) -> base::Result<> {
    auto transport = TRY(virtio::PciTransport::create(function, machine.mapper(), *interrupts));
    auto driver = TRY(make_driver(base::Own<virtio::Transport>(std::move(transport))));
    return devices.push_back(std::move(driver));
  };
  for (const pci::Function& function : machine.functions()) {
    if (virtio::pci_device_type(function) != type) continue;
    const pci::Address at = function.address();
    if (const auto started = start(function); !started) {
      base::log_warning("drivers", "{} at {:x}:{:x}:{:x}.{}: {}", name, at.segment, at.bus, at.device, at.function,
                        started.error());
    }
  }
  return devices;
}

}  // namespace drivers

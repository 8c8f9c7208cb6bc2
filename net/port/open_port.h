// SPDX-License-Identifier: Apache-2.0
// Makes a port and its engine for a network device.
#pragma once

#include <string_view>

#include "kernel/base/clock.h"
#include "kernel/base/memory.h"
#include "kernel/netdev/net_device.h"
#include "net/port/ethernet_port.h"
#include "net/roce/engine.h"
#include "net/roce/icrc.h"

namespace port {

// Address, MTU and transmit slots of `config` are taken from the device; the rest is the caller's. The device and the
// clock outlive the port.
Result<base::Own<EthernetPort>> open_port(netdev::NetDevice& device, const base::Clock& clock,
                                          roce::EngineConfig config);

// The method of that name; without a name the one that is fastest here, found by running each over a page a few times
// (some 100 us). One that is wrong on this CPU is left out. NotFound: there is no such method.
Result<roce::CrcMethod> choose_crc(const base::Clock& clock, std::string_view name);

}  // namespace port

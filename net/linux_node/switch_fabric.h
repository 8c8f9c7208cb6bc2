// SPDX-License-Identifier: Apache-2.0
// Our own RoCEv2 on a port of the virtual switch.
#pragma once

#include <string>

#include "net/linux_node/fabric.h"
#include "net/roce_socket/roce_port.h"

namespace linux_node {

struct SwitchConfig {
  std::string switch_socket;  // of this program's port
  std::uint32_t ip = 0;       // host order
  std::uint8_t prefix_length = 16;
  roce::MacAddress mac;
};

MakeFabric on_switch(const SwitchConfig& config);

}  // namespace linux_node

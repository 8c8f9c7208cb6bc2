// SPDX-License-Identifier: Apache-2.0
// What a component's command line says of its place in the rack:
//   name=m0 ip=10.77.2.1/16 gmm=10.77.0.1
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/base/error.h"
#include "kernel/boot/command_line.h"

namespace component {

struct Configuration {
  std::string_view name;
  std::uint32_t ip = 0;  // host order
  std::uint8_t prefix_length = 24;
  std::uint32_t managers_ip = 0;
};

// NotFound: a word is missing; InvalidArgument: it cannot be read. Logs which.
base::Result<Configuration> read_configuration(const kernel::CommandLine& line);

}  // namespace component

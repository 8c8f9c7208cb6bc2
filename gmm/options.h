// SPDX-License-Identifier: Apache-2.0
// What gmmd is told on its command line.
#pragma once

#include <cstdint>
#include <string>

#include "net/roce/mac_address.h"

namespace gmm {

struct Options {
  std::string name = "gmm";
  std::string switch_socket;
  std::uint32_t ip = 0;  // host order
  std::uint8_t prefix_length = 24;
  roce::MacAddress mac;
  std::string key_file;
  std::string state_file;  // empty: ids start anew each time
};

}  // namespace gmm

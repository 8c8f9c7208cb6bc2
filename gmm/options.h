// SPDX-License-Identifier: Apache-2.0
// What gmmd is told on its command line, and how texts of it are read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

struct Ipv4Network {
  std::uint32_t address;
  std::uint8_t prefix_length;
};

// "10.77.0.1/16"; without a slash the prefix is 24 bits.
std::optional<Ipv4Network> parse_address(std::string_view text);
// "02:00:00:00:00:01"
std::optional<roce::MacAddress> parse_mac(std::string_view text);

}  // namespace gmm

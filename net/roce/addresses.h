// SPDX-License-Identifier: Apache-2.0
// Addresses as they stand on command lines, of images and of Linux programs. Only what is wholly an address is read;
// everything else is InvalidArgument.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/base/error.h"
#include "net/roce/mac_address.h"

namespace roce {

struct Ipv4Network {
  std::uint32_t address = 0;  // host order
  std::uint8_t prefix_length = 24;
};

// "10.77.0.1"; 0.0.0.0 is nobody's.
base::Result<std::uint32_t> parse_ipv4(std::string_view text);
// "10.77.0.1/16"; without a slash the prefix is 24 bits.
base::Result<Ipv4Network> parse_network(std::string_view text);
// "02:4c:45:00:a0:01", of one station.
base::Result<MacAddress> parse_mac(std::string_view text);

}  // namespace roce

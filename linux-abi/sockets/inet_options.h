// SPDX-License-Identifier: Apache-2.0
// The options of internet sockets at the levels of IP, IPv6, TCP and UDP that are numbers: kept and told as Linux does.
// What has an effect or is a fact is InetSocket's business. Pure.
#pragma once

#include <array>
#include <atomic>

#include "linux-abi/sockets/socket_options.h"

namespace linux_abi {

namespace option_level {
inline constexpr int ip = 0, tcp = 6, udp = 17, ipv6 = 41;
}
namespace inet_option {
inline constexpr int tcp_no_delay = 1, tcp_max_segment = 2, tcp_info = 11, tcp_congestion = 13, ip_mtu = 14,
                     ipv6_mtu = 24, ipv6_only = 26, ipv6_address_form = 1;
}

class InetOptions {
 public:
  InetOptions();
  // ENOPROTOOPT, EINVAL.
  Answer<OptionValue> get(int level, int name) const;
  Answer<> set(int level, int name, std::span<const std::byte> value);
  void inherit(const InetOptions& other);

 private:
  static constexpr std::size_t numbers = 36;
  std::array<std::atomic<std::int32_t>, numbers> numbers_;
};

}  // namespace linux_abi

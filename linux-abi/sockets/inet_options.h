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
inline constexpr int tcp_no_delay = 1, tcp_max_segment = 2, tcp_window_clamp = 10, tcp_info = 11, tcp_congestion = 13,
                     tcp_fast_open = 23, tcp_fast_open_connect = 30, tcp_upper_protocol = 31,
                     tcp_fast_open_no_cookie = 34, tcp_in_queue = 36;
inline constexpr int ip_tos = 1, ip_ttl = 2, ip_options = 4, ip_packet_information = 8, ip_receive_ttl = 12,
                     ip_receive_tos = 13, ip_mtu = 14, ip_receive_original_destination = 20, ip_multicast_ttl = 33;
inline constexpr int ipv6_address_form = 1, ipv6_unicast_hops = 16, ipv6_multicast_hops = 18, ipv6_mtu = 24,
                     ipv6_only = 26, ipv6_receive_packet_information = 49, ipv6_packet_information = 50,
                     ipv6_receive_hop_limit = 51, ipv6_hop_limit = 52, ipv6_receive_traffic_class = 66,
                     ipv6_traffic_class = 67;
}  // namespace inet_option

class InetOptions {
 public:
  InetOptions();
  // ENOPROTOOPT, EINVAL, EPERM. room: how many bytes the program takes; at the level of IP one is enough.
  Answer<OptionValue> get(int level, int name, std::size_t room) const;
  Answer<> set(int level, int name, std::span<const std::byte> value, bool privileged);
  std::int32_t number(int level, int name) const;
  bool is_on(int level, int name) const { return number(level, name) != 0; }
  void inherit(const InetOptions& other);

 private:
  static constexpr std::size_t numbers = 66;
  std::array<std::atomic<std::int32_t>, numbers> numbers_;
};

// As the program takes it: at the level of IP a number of a byte is told in one, if there is no room for four.
OptionValue ip_number(std::int32_t value, std::size_t room);

}  // namespace linux_abi

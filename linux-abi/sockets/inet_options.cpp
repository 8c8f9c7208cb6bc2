// SPDX-License-Identifier: Apache-2.0
// Options of internet sockets: see inet_options.h.
#include "linux-abi/sockets/inet_options.h"

namespace linux_abi {
namespace {

constexpr std::int32_t any = INT32_MAX;
struct Row {
  int level, name;
  std::int32_t initial, least, most;  // least > most: not to be set
  bool flag = false;
};
constexpr Row flag(int level, int name, std::int32_t initial = 0) { return {level, name, initial, 0, 1, true}; }

// The numbers of <netinet/in.h> and <netinet/tcp.h>.
constexpr std::array rows{
    Row{option_level::ip, 1, 0, 0, 255},        // IP_TOS
    Row{option_level::ip, 2, 64, 1, 255},       // IP_TTL
    flag(option_level::ip, 6),                  // IP_RECVOPTS
    flag(option_level::ip, 8),                  // IP_PKTINFO
    Row{option_level::ip, 10, 1, 0, 5},         // IP_MTU_DISCOVER
    flag(option_level::ip, 11),                 // IP_RECVERR
    flag(option_level::ip, 12),                 // IP_RECVTTL
    flag(option_level::ip, 13),                 // IP_RECVTOS
    flag(option_level::ip, 15),                 // IP_FREEBIND
    flag(option_level::ip, 24),                 // IP_BIND_ADDRESS_NO_PORT
    Row{option_level::ip, 33, 1, 0, 255},       // IP_MULTICAST_TTL
    flag(option_level::ip, 34, 1),              // IP_MULTICAST_LOOP
    Row{option_level::ipv6, 16, 64, -1, 255},   // IPV6_UNICAST_HOPS
    Row{option_level::ipv6, 18, 1, -1, 255},    // IPV6_MULTICAST_HOPS
    flag(option_level::ipv6, 19, 1),            // IPV6_MULTICAST_LOOP
    Row{option_level::ipv6, 23, 1, 0, 5},       // IPV6_MTU_DISCOVER
    flag(option_level::ipv6, 25),               // IPV6_RECVERR
    flag(option_level::ipv6, 26),               // IPV6_V6ONLY
    flag(option_level::ipv6, 49),               // IPV6_RECVPKTINFO
    flag(option_level::ipv6, 51),               // IPV6_RECVHOPLIMIT
    flag(option_level::ipv6, 66),               // IPV6_RECVTCLASS
    Row{option_level::ipv6, 67, 0, -1, 255},    // IPV6_TCLASS
    flag(option_level::tcp, 1),                 // TCP_NODELAY
    flag(option_level::tcp, 3),                 // TCP_CORK
    Row{option_level::tcp, 4, 7200, 1, 32767},  // TCP_KEEPIDLE
    Row{option_level::tcp, 5, 75, 1, 32767},    // TCP_KEEPINTVL
    Row{option_level::tcp, 6, 9, 1, 127},       // TCP_KEEPCNT
    Row{option_level::tcp, 7, 6, 1, 127},       // TCP_SYNCNT
    Row{option_level::tcp, 8, 60, -any, any},   // TCP_LINGER2
    Row{option_level::tcp, 9, 0, -any, any},    // TCP_DEFER_ACCEPT
    Row{option_level::tcp, 10, 0, 0, any},      // TCP_WINDOW_CLAMP
    flag(option_level::tcp, 12, 1),             // TCP_QUICKACK
    Row{option_level::tcp, 18, 0, 0, any},      // TCP_USER_TIMEOUT
    Row{option_level::tcp, 23, 0, 0, any},      // TCP_FASTOPEN
    Row{option_level::tcp, 25, 0, 0, any},      // TCP_NOTSENT_LOWAT
    flag(option_level::udp, 1),                 // UDP_CORK
};

constexpr std::size_t index_of(int level, int name) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i].level == level && rows[i].name == name) return i;
  return rows.size();
}

}  // namespace

InetOptions::InetOptions() {
  static_assert(rows.size() == numbers);
  for (std::size_t i = 0; i < rows.size(); ++i) numbers_[i].store(rows[i].initial, std::memory_order_relaxed);
}

void InetOptions::inherit(const InetOptions& other) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    numbers_[i].store(other.numbers_[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
}

Answer<OptionValue> InetOptions::get(int level, int name) const {
  const std::size_t index = index_of(level, name);
  if (index == rows.size()) return error(ENOPROTOOPT);
  return OptionValue::number(numbers_[index].load(std::memory_order_relaxed));
}

Answer<> InetOptions::set(int level, int name, std::span<const std::byte> value) {
  const std::size_t index = index_of(level, name);
  if (index == rows.size()) return error(ENOPROTOOPT);
  const Row& row = rows[index];
  // A byte is enough at the level of IP.
  std::int32_t number = 0;
  if (level == option_level::ip && value.size() >= 1 && value.size() < sizeof number)
    number = std::to_integer<std::int32_t>(value[0]);
  else
    number = TRY(option_as<std::int32_t>(value));
  if (row.flag) number = number != 0 ? 1 : 0;
  if (number < row.least || number > row.most) return error(EINVAL);
  numbers_[index].store(number, std::memory_order_relaxed);
  return {};
}

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Options of internet sockets: see inet_options.h.
#include "linux-abi/sockets/inet_options.h"

#include <algorithm>

namespace linux_abi {
namespace {

using namespace option_level;

// Fixed: told, and not to be set. Ignored: may be set, which changes nothing. RootFlag: only root turns it on.
enum class Kind : std::uint8_t { Flag, RootFlag, Number, Fixed, Ignored };
constexpr std::int32_t lowest = INT32_MIN, highest = INT32_MAX;
// Where -1 is allowed it stands for what was there at first.
constexpr std::int32_t initially = -1;
struct Row {
  int level, name;
  Kind kind = Kind::Flag;
  std::int32_t initial = 0, least = 0, most = 1;
};

// The numbers of <netinet/in.h> and <netinet/tcp.h>.
constexpr std::array rows{
    Row{ip, 1, Kind::Number, 0, lowest, highest},     // IP_TOS
    Row{ip, 2, Kind::Number, 64, initially, 255},     // IP_TTL
    Row{ip, 3, Kind::Fixed},                          // IP_HDRINCL
    Row{ip, 6},                                       // IP_RECVOPTS
    Row{ip, 7},                                       // IP_RETOPTS
    Row{ip, 8},                                       // IP_PKTINFO
    Row{ip, 10, Kind::Number, 1, 0, 5},               // IP_MTU_DISCOVER
    Row{ip, 11},                                      // IP_RECVERR
    Row{ip, 12},                                      // IP_RECVTTL
    Row{ip, 13},                                      // IP_RECVTOS
    Row{ip, 15},                                      // IP_FREEBIND
    Row{ip, 18},                                      // IP_PASSSEC
    Row{ip, 19, Kind::RootFlag},                      // IP_TRANSPARENT
    Row{ip, 20},                                      // IP_RECVORIGDSTADDR
    Row{ip, 21, Kind::Number, 0, 0, 255},             // IP_MINTTL
    Row{ip, 22, Kind::Fixed},                         // IP_NODEFRAG
    Row{ip, 23},                                      // IP_CHECKSUM
    Row{ip, 24},                                      // IP_BIND_ADDRESS_NO_PORT
    Row{ip, 26, Kind::Number},                        // IP_RECVERR_RFC4884
    Row{ip, 33, Kind::Number, 1, initially, 255},     // IP_MULTICAST_TTL
    Row{ip, 34, Kind::Flag, 1},                       // IP_MULTICAST_LOOP
    Row{ip, 49, Kind::Number, 1},                     // IP_MULTICAST_ALL
    Row{ipv6, 16, Kind::Number, 64, initially, 255},  // IPV6_UNICAST_HOPS
    Row{ipv6, 18, Kind::Number, 1, initially, 255},   // IPV6_MULTICAST_HOPS
    Row{ipv6, 19, Kind::Number, 1},                   // IPV6_MULTICAST_LOOP
    Row{ipv6, 23, Kind::Number, 1, 0, 5},             // IPV6_MTU_DISCOVER
    Row{ipv6, 25},                                    // IPV6_RECVERR
    Row{ipv6, 26},                                    // IPV6_V6ONLY
    Row{ipv6, 29, Kind::Number, 1},                   // IPV6_MULTICAST_ALL
    Row{ipv6, 31, Kind::Number},                      // IPV6_RECVERR_RFC4884
    Row{ipv6, 33},                                    // IPV6_FLOWINFO_SEND
    Row{ipv6, 49},                                    // IPV6_RECVPKTINFO
    Row{ipv6, 51},                                    // IPV6_RECVHOPLIMIT
    Row{ipv6, 53},                                    // IPV6_RECVHOPOPTS
    Row{ipv6, 56},                                    // IPV6_RECVRTHDR
    Row{ipv6, 58},                                    // IPV6_RECVDSTOPTS
    Row{ipv6, 60},                                    // IPV6_RECVPATHMTU
    Row{ipv6, 62},                                    // IPV6_DONTFRAG
    Row{ipv6, 66},                                    // IPV6_RECVTCLASS
    Row{ipv6, 67, Kind::Number, 0, initially, 255},   // IPV6_TCLASS
    Row{ipv6, 70, Kind::Flag, 1},                     // IPV6_AUTOFLOWLABEL
    Row{ipv6, 73, Kind::Number, 0, 0, 255},           // IPV6_MINHOPCOUNT
    Row{ipv6, 74},                                    // IPV6_RECVORIGDSTADDR
    Row{ipv6, 75, Kind::RootFlag},                    // IPV6_TRANSPARENT
    Row{ipv6, 78},                                    // IPV6_FREEBIND
    Row{tcp, 1},                                      // TCP_NODELAY
    Row{tcp, 3},                                      // TCP_CORK
    Row{tcp, 4, Kind::Number, 7200, 1, 32767},        // TCP_KEEPIDLE
    Row{tcp, 5, Kind::Number, 75, 1, 32767},          // TCP_KEEPINTVL
    Row{tcp, 6, Kind::Number, 9, 1, 127},             // TCP_KEEPCNT
    Row{tcp, 7, Kind::Number, 6, 1, 127},             // TCP_SYNCNT
    Row{tcp, 8, Kind::Number, 60, lowest, highest},   // TCP_LINGER2
    Row{tcp, 9, Kind::Number, 0, lowest, highest},    // TCP_DEFER_ACCEPT
    Row{tcp, 10, Kind::Number, 0, lowest, highest},   // TCP_WINDOW_CLAMP
    Row{tcp, 12, Kind::Flag, 1},                      // TCP_QUICKACK
    Row{tcp, 16, Kind::Number},                       // TCP_THIN_LINEAR_TIMEOUTS
    Row{tcp, 17, Kind::Ignored},                      // TCP_THIN_DUPACK
    Row{tcp, 18, Kind::Number, 0, 0, highest},        // TCP_USER_TIMEOUT
    Row{tcp, 23, Kind::Number, 0, 0, highest},        // TCP_FASTOPEN
    Row{tcp, 25, Kind::Number, 0, lowest, highest},   // TCP_NOTSENT_LOWAT
    Row{tcp, 27, Kind::Number, 0, 0, 2},              // TCP_SAVE_SYN
    Row{tcp, 30, Kind::Number},                       // TCP_FASTOPEN_CONNECT
    Row{tcp, 34, Kind::Number},                       // TCP_FASTOPEN_NO_COOKIE
    Row{tcp, 36, Kind::Number},                       // TCP_INQ
    Row{udp, 1},                                      // UDP_CORK
    Row{udp, 101},                                    // UDP_NO_CHECK6_TX
};

// What nobody here may do, and how it is refused; 0: nothing is told, in no bytes.
struct Refusal {
  int level, name, asked, set;
};
constexpr std::array refusals{
    Refusal{ip, 4, 0, EINVAL},              // IP_OPTIONS
    Refusal{tcp, 20, EINVAL, EPERM},        // TCP_REPAIR_QUEUE
    Refusal{tcp, 21, EINVAL, EINVAL},       // TCP_QUEUE_SEQ
    Refusal{tcp, 22, ENOPROTOOPT, EINVAL},  // TCP_REPAIR_OPTIONS
    Refusal{tcp, 24, ENOPROTOOPT, EPERM},   // TCP_TIMESTAMP
    Refusal{tcp, 26, 0, ENOPROTOOPT},       // TCP_CC_INFO
    Refusal{tcp, 28, 0, ENOPROTOOPT},       // TCP_SAVED_SYN
    Refusal{tcp, 31, 0, ENOENT},            // TCP_ULP
};
constexpr int tcp_repair = 19;

template <typename Rows>
constexpr auto find(const Rows& all, int level, int name) {
  return std::find_if(all.begin(), all.end(), [=](const auto& row) { return row.level == level && row.name == name; });
}
constexpr std::size_t index_of(int level, int name) {
  return static_cast<std::size_t>(find(rows, level, name) - rows.begin());
}

// Seconds are kept as how often a SYN would be sent again in them: after 1, 3, 7...
std::int32_t seconds_of_retries(std::int32_t seconds) {
  constexpr std::int32_t longest_pause = 120, most_retries = 255;
  if (seconds <= 0) return 0;
  std::int32_t told = 1, pause = 1;
  for (int retries = 1; told < seconds && retries < most_retries; ++retries) {
    pause = std::min(pause * 2, longest_pause);
    told += pause;
  }
  return told;
}

std::int32_t kept_of(const Row& row, std::int32_t given) {
  constexpr std::int32_t longest_linger = 120, least_window = 1152, longest_backlog = 4096;
  if (row.kind == Kind::Flag || row.kind == Kind::RootFlag) return given != 0 ? 1 : 0;
  if (row.least == initially && given == initially) return row.initial;
  if (row.level == ip && row.name == inet_option::ip_tos) return given & 0xff;
  if (row.level != tcp) return given;
  switch (row.name) {
    case 8:  // TCP_LINGER2
      return given == 0 ? row.initial : std::clamp(given, -1, longest_linger);
    case 9:  // TCP_DEFER_ACCEPT
      return seconds_of_retries(given);
    case inet_option::tcp_window_clamp:
      return given == 0 ? 0 : std::max(given, least_window);
    case inet_option::tcp_fast_open:
      return std::min(given, longest_backlog);
    default:
      return given;
  }
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

std::int32_t InetOptions::number(int level, int name) const {
  const std::size_t index = index_of(level, name);
  return index == rows.size() ? 0 : numbers_[index].load(std::memory_order_relaxed);
}

OptionValue ip_number(std::int32_t value, std::size_t room) {
  constexpr std::int32_t most = 255;
  if (room > 0 && room < sizeof value && value >= 0 && value <= most)
    return OptionValue::of(static_cast<std::uint8_t>(value));
  return OptionValue::number(value);
}

Answer<OptionValue> InetOptions::get(int level, int name, std::size_t room) const {
  if (const auto refusal = find(refusals, level, name); refusal != refusals.end())
    return refusal->asked == 0 ? Answer<OptionValue>(OptionValue()) : error(refusal->asked);
  if (level == tcp && name == tcp_repair) return OptionValue::number(0);
  if (index_of(level, name) == rows.size()) return error(ENOPROTOOPT);
  return level == ip ? ip_number(number(level, name), room) : OptionValue::number(number(level, name));
}

Answer<> InetOptions::set(int level, int name, std::span<const std::byte> value, bool privileged) {
  // No options (of IP's header) can always be set.
  if (level == ip && name == inet_option::ip_options && value.empty()) return {};
  // A byte is enough at the level of IP.
  std::int32_t given = 0;
  const bool known = find(refusals, level, name) != refusals.end() || index_of(level, name) != rows.size();
  if ((level == ip || level == ipv6) && !known) return error(ENOPROTOOPT);
  if (level == ip && !value.empty() && value.size() < sizeof given)
    given = std::to_integer<std::int32_t>(value[0]);
  else if (level != tcp || name != inet_option::tcp_upper_protocol)
    given = TRY(option_as<std::int32_t>(value));
  if (const auto refusal = find(refusals, level, name); refusal != refusals.end()) return error(refusal->set);
  if (level == tcp && name == tcp_repair) return error(EPERM);
  const std::size_t index = index_of(level, name);
  if (index == rows.size() || rows[index].kind == Kind::Fixed) return error(ENOPROTOOPT);
  const Row& row = rows[index];
  if (row.kind == Kind::RootFlag && given != 0 && !privileged) return error(EPERM);
  const bool flag = row.kind == Kind::Flag || row.kind == Kind::RootFlag;
  const bool zero_ttl = level == ip && name == inet_option::ip_ttl && given == 0;
  if (!flag && (given < row.least || given > row.most || zero_ttl)) return error(EINVAL);
  if (row.kind != Kind::Ignored) numbers_[index].store(kept_of(row, given), std::memory_order_relaxed);
  return {};
}

}  // namespace linux_abi

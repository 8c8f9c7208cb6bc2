// SPDX-License-Identifier: Apache-2.0
// Options at SOL_SOCKET: see socket_options.h.
#include "linux-abi/sockets/socket_options.h"

#include <asm/socket.h>

#include <algorithm>

#include "linux-abi/abi/structures.h"

namespace linux_abi {
namespace {

// Fixed: told, and not to be set. Ignored: may be set, which changes nothing. SetOnly: told to nobody. Unsupported: is
// refused, as Linux does where the machine has not what it needs.
enum class Kind : std::uint8_t { Flag, Number, Fixed, Ignored, SetOnly, Unsupported };
// Who may: anybody; root; root unless it is turned off, or lowered, or was 0; anybody turns it on, for ever.
enum class May : std::uint8_t { Anybody, Root, RootTurnOn, RootRaise, RootChange, OnlyTurnOn };
struct Row {
  int name;
  Kind kind;
  std::int32_t initial;
  May may = May::Anybody;
  std::int32_t least = INT32_MIN, most = INT32_MAX;
};
constexpr std::array rows{
    Row{SO_DEBUG, Kind::Flag, 0, May::RootTurnOn},
    Row{SO_REUSEADDR, Kind::Flag, 0},
    Row{SO_REUSEPORT, Kind::Flag, 0},
    Row{SO_DONTROUTE, Kind::Flag, 0},
    Row{SO_BROADCAST, Kind::Flag, 0},
    Row{SO_KEEPALIVE, Kind::Flag, 0},
    Row{SO_OOBINLINE, Kind::Flag, 0},
    Row{SO_NO_CHECK, Kind::Flag, 0},
    Row{SO_PRIORITY, Kind::Number, 0},
    Row{SO_BSDCOMPAT, Kind::Ignored, 0},
    Row{SO_PASSCRED, Kind::Flag, 0},
    Row{SO_PASSSEC, Kind::Flag, 0},
    Row{SO_MARK, Kind::Number, 0, May::Root},
    Row{SO_RCVMARK, Kind::Flag, 0, May::Root},
    Row{SO_RCVLOWAT, Kind::Number, 1},
    Row{SO_SNDLOWAT, Kind::Fixed, 1},
    Row{SO_RXQ_OVFL, Kind::Flag, 0},
    Row{SO_BPF_EXTENSIONS, Kind::Fixed, 64},
    Row{SO_LOCK_FILTER, Kind::Flag, 0, May::OnlyTurnOn},
    Row{SO_SELECT_ERR_QUEUE, Kind::Flag, 0},
    Row{SO_BUSY_POLL, Kind::Number, 0, May::RootRaise, 0},
    Row{SO_PREFER_BUSY_POLL, Kind::Flag, 0, May::RootTurnOn},
    Row{SO_BUSY_POLL_BUDGET, Kind::SetOnly, 8, May::RootRaise, 0, 65535},
    Row{SO_NOFCS, Kind::Flag, 0},
    Row{SO_WIFI_STATUS, Kind::Flag, 0},
    Row{SO_BINDTOIFINDEX, Kind::Number, 0, May::RootChange, 0},
    Row{SO_CNX_ADVICE, Kind::SetOnly, 0},
    Row{SO_INCOMING_CPU, Kind::Number, -1},
    Row{SO_INCOMING_NAPI_ID, Kind::Fixed, 0},
    Row{SO_ZEROCOPY, Kind::Unsupported, 0, May::Anybody, 0, 1},
    Row{SO_BUF_LOCK, Kind::Number, 0, May::Anybody, 0, 3},
    Row{SO_RESERVE_MEM, Kind::Unsupported, 0, May::Anybody, 0},
    Row{SO_TXREHASH, Kind::Number, 1, May::Anybody, -1, 1},
};

constexpr std::size_t index_of(int name) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i].name == name) return i;
  return rows.size();
}

bool is_allowed(const Row& row, std::int32_t now, std::int32_t wanted, bool privileged) {
  switch (row.may) {
    case May::Anybody:
      return true;
    case May::Root:
      return privileged;
    case May::RootTurnOn:
      return privileged || wanted == 0;
    case May::RootRaise:
      return privileged || wanted <= now;
    case May::RootChange:
      return privileged || now == 0;
    case May::OnlyTurnOn:
      return now == 0 || wanted != 0;
  }
  return false;
}

// What is kept of a number that was given.
std::int32_t kept_of(const Row& row, std::int32_t number) {
  constexpr std::int32_t default_rehash = 1;
  if (row.kind == Kind::Flag) return number != 0 ? 1 : 0;
  if (row.name == SO_RCVLOWAT) return number < 0 ? INT32_MAX : std::max(number, 1);
  if (row.name == SO_TXREHASH && number < 0) return default_rehash;
  return number;
}

Answer<> set_timeout(std::atomic<std::uint64_t>& timeout, std::span<const std::byte> value) {
  const UserTimeval given = TRY(option_as<UserTimeval>(value));
  if (given.microseconds < 0 || given.microseconds >= 1'000'000) return error(EDOM);
  timeout.store(given.seconds < 0 ? 0 : to_ns(given), std::memory_order_relaxed);
  return {};
}

}  // namespace

SocketOptions::SocketOptions(std::int32_t send_buffer, std::int32_t receive_buffer)
    : send_buffer_(send_buffer), receive_buffer_(receive_buffer) {
  static_assert(rows.size() == numbers);
  for (std::size_t i = 0; i < rows.size(); ++i) numbers_[i].store(rows[i].initial, std::memory_order_relaxed);
}

std::int32_t SocketOptions::number(int name) const {
  const std::size_t index = index_of(name);
  return index == rows.size() ? 0 : numbers_[index].load(std::memory_order_relaxed);
}

void SocketOptions::put(int name, std::int32_t value) {
  if (const std::size_t index = index_of(name); index < rows.size())
    numbers_[index].store(value, std::memory_order_relaxed);
}

bool SocketOptions::is_on(int name) const { return number(name) != 0; }

void SocketOptions::inherit(const SocketOptions& other) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    numbers_[i].store(other.numbers_[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
  send_buffer_.store(other.send_buffer(), std::memory_order_relaxed);
  receive_buffer_.store(other.receive_buffer(), std::memory_order_relaxed);
  linger_.store(other.linger(), std::memory_order_relaxed);
  receive_timeout_ns_.store(other.receive_timeout_ns(), std::memory_order_relaxed);
  send_timeout_ns_.store(other.send_timeout_ns(), std::memory_order_relaxed);
  pacing_rate_.store(other.pacing_rate_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  send_times_.store(other.send_times_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  peek_offset_.set(other.peek_offset_.value());
  timestamps_.inherit(other.timestamps_);
}

Answer<OptionValue> SocketOptions::get(int name, std::size_t room) const {
  if (TimestampOptions::is_one(name)) return timestamps_.get(name);
  switch (name) {
    case SO_SNDBUF:
      return OptionValue::number(send_buffer());
    case SO_RCVBUF:
      return OptionValue::number(receive_buffer());
    case SO_RCVTIMEO_OLD:
    case SO_RCVTIMEO_NEW:
      return OptionValue::of(to_timeval(receive_timeout_ns()));
    case SO_SNDTIMEO_OLD:
    case SO_SNDTIMEO_NEW:
      return OptionValue::of(to_timeval(send_timeout_ns()));
    case SO_LINGER:
      return OptionValue::of(linger());
    case SO_PEEK_OFF:
      return OptionValue::number(peek_offset_.value());
    case SO_TXTIME:
      return OptionValue::of(send_times_.load(std::memory_order_relaxed));
    case SO_MAX_PACING_RATE: {
      const std::uint64_t rate = pacing_rate_.load(std::memory_order_relaxed);
      if (room >= sizeof rate) return OptionValue::of(rate);
      return OptionValue::of(static_cast<std::uint32_t>(std::min<std::uint64_t>(rate, UINT32_MAX)));
    }
    default: {
      const std::size_t index = index_of(name);
      if (index == rows.size() || rows[index].kind == Kind::SetOnly) return error(ENOPROTOOPT);
      return OptionValue::number(number(name));
    }
  }
}

// Doubled, within Linux's bounds.
Answer<> SocketOptions::set_buffer(int name, std::int32_t bytes) {
  constexpr std::int32_t most = 212992, least_sent = 4608, least_received = 2304;
  const bool sends = name == SO_SNDBUF || name == SO_SNDBUFFORCE;
  const bool forced = name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE;
  constexpr std::int32_t half = 1 << 30;
  // A negative number is a very large one.
  if (bytes < 0 && !forced) bytes = most;
  bytes = std::clamp(bytes, 0, forced ? half - 1 : most) * 2;
  if (sends)
    send_buffer_.store(std::max(bytes, least_sent), std::memory_order_relaxed);
  else
    receive_buffer_.store(std::max(bytes, least_received), std::memory_order_relaxed);
  // What was chosen is said to stay (SO_BUF_LOCK).
  constexpr std::int32_t sent_locked = 1, received_locked = 2;
  put(SO_BUF_LOCK, number(SO_BUF_LOCK) | (sends ? sent_locked : received_locked));
  return {};
}

// Four bytes, whose all-ones means no limit, or eight.
Answer<> SocketOptions::set_pacing_rate(std::span<const std::byte> value) {
  const auto narrow = TRY(option_as<std::uint32_t>(value));
  std::uint64_t rate = narrow == UINT32_MAX ? ~std::uint64_t{0} : narrow;
  if (value.size() >= sizeof rate) rate = TRY(option_as<std::uint64_t>(value));
  pacing_rate_.store(rate, std::memory_order_relaxed);
  return {};
}

Answer<> SocketOptions::set_send_times(std::span<const std::byte> value, bool privileged) {
  constexpr std::uint32_t known_flags = 3;
  constexpr std::int32_t monotonic = 1;
  if (value.size() != sizeof(SendTimes)) return error(EINVAL);
  const auto given = TRY(option_as<SendTimes>(value));
  if ((given.flags & ~known_flags) != 0) return error(EINVAL);
  if (given.clock != monotonic && !privileged) return error(EPERM);
  send_times_.store(given, std::memory_order_relaxed);
  return {};
}

Answer<> SocketOptions::set(int name, std::span<const std::byte> value, bool privileged) {
  const std::int32_t number = TRY(option_as<std::int32_t>(value));
  if (TimestampOptions::is_one(name)) return timestamps_.set(name, value);
  switch (name) {
    case SO_RCVTIMEO_OLD:
    case SO_RCVTIMEO_NEW:
      return set_timeout(receive_timeout_ns_, value);
    case SO_SNDTIMEO_OLD:
    case SO_SNDTIMEO_NEW:
      return set_timeout(send_timeout_ns_, value);
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE:
      if (!privileged) return error(EPERM);
      return set_buffer(name, number);
    case SO_SNDBUF:
    case SO_RCVBUF:
      return set_buffer(name, number);
    case SO_LINGER:
      linger_.store(TRY(option_as<Linger>(value)), std::memory_order_relaxed);
      return {};
    case SO_PEEK_OFF:
      peek_offset_.set(number);
      return {};
    case SO_MAX_PACING_RATE:
      return set_pacing_rate(value);
    case SO_TXTIME:
      return set_send_times(value, privileged);
    case SO_DETACH_FILTER:
      return error(is_on(SO_LOCK_FILTER) ? EPERM : ENOENT);  // there never is one
    default:
      return set_number(name, number, privileged);
  }
}

Answer<> SocketOptions::set_number(int name, std::int32_t given, bool privileged) {
  const std::size_t index = index_of(name);
  if (index == rows.size() || rows[index].kind == Kind::Fixed) return error(ENOPROTOOPT);
  const Row& row = rows[index];
  if (!is_allowed(row, number(name), given, privileged)) return error(name == SO_DEBUG ? EACCES : EPERM);
  constexpr std::int32_t highest_priority = 6;
  if (name == SO_PRIORITY && !privileged && (given < 0 || given > highest_priority)) return error(EPERM);
  if (given < row.least || given > row.most) return error(EINVAL);
  if (row.kind == Kind::Unsupported) return error(EOPNOTSUPP);
  if (row.kind != Kind::Ignored) put(name, kept_of(row, given));
  return {};
}

}  // namespace linux_abi

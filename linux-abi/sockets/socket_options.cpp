// SPDX-License-Identifier: Apache-2.0
// Options at SOL_SOCKET: see socket_options.h.
#include "linux-abi/sockets/socket_options.h"

#include <asm/socket.h>

#include <algorithm>

#include "linux-abi/abi/structures.h"

namespace linux_abi {
namespace {

enum class Kind : std::uint8_t { Flag, Number, Fixed };
struct Row {
  int name;
  Kind kind;
  std::int32_t initial;
  bool for_root = false;
};
// Fixed: told, and not to be set.
constexpr std::array rows{
    Row{SO_DEBUG, Kind::Flag, 0, true},    Row{SO_REUSEADDR, Kind::Flag, 0},
    Row{SO_REUSEPORT, Kind::Flag, 0},      Row{SO_DONTROUTE, Kind::Flag, 0},
    Row{SO_BROADCAST, Kind::Flag, 0},      Row{SO_KEEPALIVE, Kind::Flag, 0},
    Row{SO_OOBINLINE, Kind::Flag, 0},      Row{SO_NO_CHECK, Kind::Flag, 0},
    Row{SO_PRIORITY, Kind::Number, 0},     Row{SO_PASSCRED, Kind::Flag, 0},
    Row{SO_PASSSEC, Kind::Flag, 0},        Row{SO_MARK, Kind::Number, 0, true},
    Row{SO_RCVLOWAT, Kind::Number, 1},     Row{SO_SNDLOWAT, Kind::Fixed, 1},
    Row{SO_TIMESTAMP_OLD, Kind::Fixed, 0}, Row{SO_TIMESTAMPNS_OLD, Kind::Fixed, 0},
    Row{SO_RXQ_OVFL, Kind::Fixed, 0},      Row{SO_BPF_EXTENSIONS, Kind::Fixed, 64},
    Row{SO_LOCK_FILTER, Kind::Fixed, 0},   Row{SO_SELECT_ERR_QUEUE, Kind::Flag, 0},
    Row{SO_BUSY_POLL, Kind::Fixed, 0},     Row{SO_NOFCS, Kind::Fixed, 0},
    Row{SO_WIFI_STATUS, Kind::Fixed, 0},   Row{SO_BINDTOIFINDEX, Kind::Fixed, 0},
};

constexpr std::size_t index_of(int name) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i].name == name) return i;
  return rows.size();
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

bool SocketOptions::is_on(int name) const { return number(name) != 0; }

void SocketOptions::inherit(const SocketOptions& other) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    numbers_[i].store(other.numbers_[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
  send_buffer_.store(other.send_buffer(), std::memory_order_relaxed);
  receive_buffer_.store(other.receive_buffer(), std::memory_order_relaxed);
  linger_.store(other.linger(), std::memory_order_relaxed);
  receive_timeout_ns_.store(other.receive_timeout_ns(), std::memory_order_relaxed);
  send_timeout_ns_.store(other.send_timeout_ns(), std::memory_order_relaxed);
}

Answer<OptionValue> SocketOptions::get(int name) const {
  switch (name) {
    case SO_SNDBUF:
      return OptionValue::number(send_buffer());
    case SO_RCVBUF:
      return OptionValue::number(receive_buffer());
    case SO_RCVTIMEO:
      return OptionValue::of(to_timeval(receive_timeout_ns()));
    case SO_SNDTIMEO:
      return OptionValue::of(to_timeval(send_timeout_ns()));
    case SO_LINGER:
      return OptionValue::of(linger());
    default:
      if (index_of(name) == rows.size()) return error(ENOPROTOOPT);
      return OptionValue::number(number(name));
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
  return {};
}

Answer<> SocketOptions::set_timeout(std::atomic<std::uint64_t>& timeout, std::span<const std::byte> value) {
  const UserTimeval given = TRY(option_as<UserTimeval>(value));
  if (given.microseconds < 0 || given.microseconds >= 1'000'000) return error(EDOM);
  timeout.store(given.seconds < 0 ? 0 : to_ns(given), std::memory_order_relaxed);
  return {};
}

Answer<> SocketOptions::set(int name, std::span<const std::byte> value, bool privileged) {
  if (name == SO_RCVTIMEO) return set_timeout(receive_timeout_ns_, value);
  if (name == SO_SNDTIMEO) return set_timeout(send_timeout_ns_, value);
  const std::int32_t number = TRY(option_as<std::int32_t>(value));
  switch (name) {
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
    default:
      break;
  }
  const std::size_t index = index_of(name);
  if (index == rows.size() || rows[index].kind == Kind::Fixed) return error(ENOPROTOOPT);
  if (rows[index].for_root && !privileged) return error(name == SO_DEBUG ? EACCES : EPERM);
  constexpr std::int32_t highest_priority = 6;
  if (name == SO_PRIORITY && !privileged && (number < 0 || number > highest_priority)) return error(EPERM);
  const std::int32_t kept = rows[index].kind == Kind::Flag ? (number != 0 ? 1 : 0) : number;
  numbers_[index].store(kept, std::memory_order_relaxed);
  return {};
}

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// The options at SOL_SOCKET that sockets of all families have, by Linux's numbers, with its bounds and defaults. Pure:
// single numbers, each atomic and relaxed; what they mean is their readers' business.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "linux-abi/abi/errno.h"
#include "linux-abi/sockets/option_value.h"
#include "linux-abi/sockets/socket_message.h"
#include "linux-abi/sockets/timestamp_options.h"

namespace linux_abi {

struct Linger {
  std::int32_t on = 0, seconds = 0;
};
// struct sock_txtime
struct SendTimes {
  std::int32_t clock = 0;
  std::uint32_t flags = 0;
};

class SocketOptions {
 public:
  explicit SocketOptions(std::int32_t send_buffer, std::int32_t receive_buffer);

  // ENOPROTOOPT. room: how many bytes the program takes; SO_MAX_PACING_RATE is longer for who takes eight.
  Answer<OptionValue> get(int name, std::size_t room) const;
  // ENOPROTOOPT, EINVAL, EDOM, EPERM, EACCES, EOPNOTSUPP. privileged: root.
  Answer<> set(int name, std::span<const std::byte> value, bool privileged);

  bool is_on(int name) const;  // of those that are numbers
  std::int32_t number(int name) const;
  void put(int name, std::int32_t value);  // unchecked: what does not come from the program
  std::uint64_t send_timeout_ns() const { return send_timeout_ns_.load(std::memory_order_relaxed); }  // 0: none
  std::uint64_t receive_timeout_ns() const { return receive_timeout_ns_.load(std::memory_order_relaxed); }
  std::int32_t send_buffer() const { return send_buffer_.load(std::memory_order_relaxed); }
  std::int32_t receive_buffer() const { return receive_buffer_.load(std::memory_order_relaxed); }
  Linger linger() const { return linger_.load(std::memory_order_relaxed); }
  PeekOffset& peek_offset() const { return peek_offset_; }
  TimestampOptions& timestamps() { return timestamps_; }
  const TimestampOptions& timestamps() const { return timestamps_; }
  void inherit(const SocketOptions& other);  // of the listening socket, by one that was accepted

 private:
  static constexpr std::size_t numbers = 33;
  Answer<> set_buffer(int name, std::int32_t bytes);
  Answer<> set_number(int name, std::int32_t number, bool privileged);
  Answer<> set_pacing_rate(std::span<const std::byte> value);
  Answer<> set_send_times(std::span<const std::byte> value, bool privileged);

  std::atomic<std::uint64_t> receive_timeout_ns_{0}, send_timeout_ns_{0};
  std::atomic<std::uint64_t> pacing_rate_{~std::uint64_t{0}};
  std::atomic<std::int32_t> send_buffer_, receive_buffer_;
  std::atomic<Linger> linger_{};
  std::atomic<SendTimes> send_times_{};
  mutable PeekOffset peek_offset_;  // peeking, which changes no option, moves it
  TimestampOptions timestamps_;
  std::array<std::atomic<std::int32_t>, numbers> numbers_;
};

}  // namespace linux_abi

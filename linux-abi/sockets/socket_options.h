// SPDX-License-Identifier: Apache-2.0
// The options at SOL_SOCKET that sockets of all families have, by Linux's numbers, with its bounds and defaults. Pure:
// single numbers, each atomic and relaxed; what they mean is their readers' business.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <span>

#include "linux-abi/abi/errno.h"
#include "linux-abi/sockets/socket_address.h"

namespace linux_abi {

// An option's value as it is copied out.
struct OptionValue {
  std::array<std::byte, 256> bytes{};
  std::size_t size = 0;
  template <typename T>
  static OptionValue of(const T& value) {
    static_assert(sizeof(T) <= 256);
    OptionValue option;
    option.size = sizeof value;
    std::memcpy(option.bytes.data(), &value, sizeof value);
    return option;
  }
  static OptionValue number(std::int32_t value) { return of(value); }
};
// EINVAL: too short.
template <typename T>
Answer<T> option_as(std::span<const std::byte> given) {
  T value{};
  if (given.size() < sizeof value) return error(EINVAL);
  std::memcpy(&value, given.data(), sizeof value);
  return value;
}

struct Linger {
  std::int32_t on = 0, seconds = 0;
};

class SocketOptions {
 public:
  explicit SocketOptions(std::int32_t send_buffer, std::int32_t receive_buffer);

  // ENOPROTOOPT, EINVAL, EDOM, EPERM. privileged: root.
  Answer<OptionValue> get(int name) const;
  Answer<> set(int name, std::span<const std::byte> value, bool privileged);

  bool is_on(int name) const;  // of those that are numbers
  std::int32_t number(int name) const;
  std::uint64_t send_timeout_ns() const { return send_timeout_ns_.load(std::memory_order_relaxed); }  // 0: none
  std::uint64_t receive_timeout_ns() const { return receive_timeout_ns_.load(std::memory_order_relaxed); }
  std::int32_t send_buffer() const { return send_buffer_.load(std::memory_order_relaxed); }
  std::int32_t receive_buffer() const { return receive_buffer_.load(std::memory_order_relaxed); }
  Linger linger() const { return linger_.load(std::memory_order_relaxed); }
  void inherit(const SocketOptions& other);  // of the listening socket, by one that was accepted

 private:
  static constexpr std::size_t numbers = 24;
  Answer<> set_buffer(int name, std::int32_t bytes);
  Answer<> set_timeout(std::atomic<std::uint64_t>& timeout, std::span<const std::byte> value);

  std::atomic<std::uint64_t> receive_timeout_ns_{0}, send_timeout_ns_{0};
  std::atomic<std::int32_t> send_buffer_, receive_buffer_;
  std::atomic<Linger> linger_{};
  std::array<std::atomic<std::int32_t>, numbers> numbers_;
};

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Values of socket options as they come from and go to programs. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "linux-abi/abi/errno.h"

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

}  // namespace linux_abi

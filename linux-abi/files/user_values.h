// SPDX-License-Identifier: Apache-2.0
// Whole values in a program's memory, such as what the argument of an ioctl points to. EFAULT.
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>

#include "linux-abi/files/caller.h"

namespace linux_abi {

template <typename T>
Answer<T> copy_value_in(Caller& caller, std::uint64_t from) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value{};
  TRY(caller.copy_in(std::as_writable_bytes(std::span(&value, 1)), from));
  return value;
}

// The 0 that a successful call returns.
template <typename T>
Answer<std::uint64_t> copy_value_out(Caller& caller, std::uint64_t to, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  TRY(caller.copy_out(to, std::as_bytes(std::span(&value, 1))));
  return std::uint64_t{0};
}

}  // namespace linux_abi

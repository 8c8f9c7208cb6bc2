// SPDX-License-Identifier: Apache-2.0
// Text formatting into a bounded buffer, for logs and small texts like /proc files, without allocation or <format>
// (which GCC 12 does not have). Each {} takes the next argument; {:x} prints an integer in hexadecimal. What does not
// fit is cut off.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "kernel/base/error.h"
#include "kernel/base/types.h"

namespace base {

class FormatArgument {
 public:
  template <std::integral T>
  FormatArgument(T value) {
    if constexpr (std::is_same_v<T, bool>) {
      kind_ = Kind::Text;
      text_ = value ? "true" : "false";
    } else if constexpr (std::is_same_v<T, char>) {
      kind_ = Kind::Character;
      number_ = static_cast<unsigned char>(value);
    } else if constexpr (std::is_signed_v<T>) {
      kind_ = Kind::Signed;
      number_ = static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
    } else {
      kind_ = Kind::Unsigned;
      number_ = value;
    }
  }
  FormatArgument(std::string_view text) : kind_(Kind::Text), text_(text) {}
  FormatArgument(const char* text) : kind_(Kind::Text), text_(text) {}
  FormatArgument(Error error) : kind_(Kind::Text), text_(error_name(error)) {}
  template <typename Tag, typename Integer>
  FormatArgument(Strong<Tag, Integer> id) : kind_(Kind::Unsigned), number_(id.value()) {}
  template <typename T>
  requires std::is_pointer_v<T> &&
      (!std::is_same_v<T, const char*>)&&(!std::is_same_v<T, char*>)FormatArgument(T pointer)
      : kind_(Kind::Pointer), number_(reinterpret_cast<std::uintptr_t>(pointer)) {}

 private:
  friend class Formatter;
  enum class Kind : std::uint8_t { Signed, Unsigned, Pointer, Text, Character };
  Kind kind_;
  std::uint64_t number_ = 0;
  std::string_view text_;
};

// Returns what was written to `buffer`; not terminated by a zero byte.
std::string_view format_arguments(std::span<char> buffer, std::string_view pattern,
                                  std::span<const FormatArgument> arguments);

template <typename... Arguments>
std::string_view format(std::span<char> buffer, std::string_view pattern, const Arguments&... arguments) {
  if constexpr (sizeof...(arguments) == 0) {
    return format_arguments(buffer, pattern, {});
  } else {
    const FormatArgument list[] = {FormatArgument(arguments)...};
    return format_arguments(buffer, pattern, list);
  }
}

}  // namespace base

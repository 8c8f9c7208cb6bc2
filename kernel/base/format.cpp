// SPDX-License-Identifier: Apache-2.0
// Text formatting: see format.h.
#include "kernel/base/format.h"

namespace base {

class Formatter {
 public:
  explicit Formatter(std::span<char> buffer) : buffer_(buffer) {}

  void put(char character) {
    if (used_ < buffer_.size()) buffer_[used_++] = character;
  }
  void put(std::string_view text) {
    for (const char character : text) put(character);
  }
  void put_number(std::uint64_t value, unsigned radix) {
    char digits[20];
    std::size_t count = 0;
    do {
      digits[count++] = "0123456789abcdef"[value % radix];
      value /= radix;
    } while (value != 0);
    while (count > 0) put(digits[--count]);
  }
  void put(const FormatArgument& argument, bool hexadecimal) {
    switch (argument.kind_) {
      case FormatArgument::Kind::Text:
        return put(argument.text_);
      case FormatArgument::Kind::Character:
        return put(static_cast<char>(argument.number_));
      case FormatArgument::Kind::Pointer:
        put("0x");
        return put_number(argument.number_, 16);
      case FormatArgument::Kind::Unsigned:
        return put_number(argument.number_, hexadecimal ? 16 : 10);
      case FormatArgument::Kind::Signed:
        if (hexadecimal || static_cast<std::int64_t>(argument.number_) >= 0)
          return put_number(argument.number_, hexadecimal ? 16 : 10);
        put('-');
        return put_number(0 - argument.number_, 10);
    }
  }
  std::string_view text() const { return {buffer_.data(), used_}; }

 private:
  std::span<char> buffer_;
  std::size_t used_ = 0;
};

std::string_view format_arguments(std::span<char> buffer, std::string_view pattern,
                                  std::span<const FormatArgument> arguments) {
  Formatter out(buffer);
  std::size_t next = 0;
  for (std::size_t i = 0; i < pattern.size();) {
    const std::string_view rest = pattern.substr(i);
    const bool plain = rest.starts_with("{}"), hexadecimal = rest.starts_with("{:x}");
    if ((plain || hexadecimal) && next < arguments.size()) {
      out.put(arguments[next++], hexadecimal);
      i += plain ? 2 : 4;
    } else {
      out.put(pattern[i++]);
    }
  }
  return out.text();
}

}  // namespace base

// SPDX-License-Identifier: Apache-2.0
// Hexadecimal numbers with leading zeros, as the texts of /proc have them.
#pragma once

#include "linux-abi/files/synthetic.h"

namespace linux_abi {

enum class HexCase : std::uint8_t { Lower, Upper };
inline Answer<> add_padded_hex(TextWriter& out, std::uint64_t value, unsigned digits,
                               HexCase letters = HexCase::Lower) {
  const char* set = letters == HexCase::Lower ? "0123456789abcdef" : "0123456789ABCDEF";
  std::array<char, 16> text;
  for (unsigned i = 0; i < digits; ++i) text[digits - 1 - i] = set[value >> (4 * i) & 15];
  return out.add_text({text.data(), digits});
}

// Without leading zeros.
inline Answer<> add_hex(TextWriter& out, std::uint64_t value) {
  unsigned digits = 1;
  while (digits < 16 && value >> (4 * digits) != 0) ++digits;
  return add_padded_hex(out, value, digits);
}

}  // namespace linux_abi

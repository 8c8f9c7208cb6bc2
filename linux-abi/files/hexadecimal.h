// SPDX-License-Identifier: Apache-2.0
// Hexadecimal numbers with leading zeros, as the texts of /proc have them.
#pragma once

#include "linux-abi/files/synthetic.h"

namespace linux_abi {

inline Answer<> add_padded_hex(TextWriter& out, std::uint64_t value, unsigned digits) {
  std::array<char, 16> text;
  for (unsigned i = 0; i < digits; ++i) text[digits - 1 - i] = "0123456789abcdef"[value >> (4 * i) & 15];
  return out.add_text({text.data(), digits});
}

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// What server and client know of each other: where the memory is, and what its pages hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/endian.h"
#include "kernel/base/types.h"

namespace port_test {

inline constexpr std::uint16_t service_port = 7000;
inline constexpr std::size_t pages = 256;          // that the server fills, and the client reads
inline constexpr std::size_t writable_pages = 64;  // behind them: the client's

// The server's private data when it accepts.
struct Offer {
  base::be64 address;
  base::be32 rkey;
};
static_assert(sizeof(Offer) == 12);

inline std::uint64_t page_word(std::uint64_t page, std::size_t word, std::uint64_t version) {
  return (page + 1) * 0x9e3779b97f4a7c15 + word * 0x100000001b3 + version;
}
inline void fill_page(std::span<std::uint64_t> words, std::uint64_t page, std::uint64_t version) {
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = page_word(page, i, version);
}
inline bool page_matches(std::span<const std::uint64_t> words, std::uint64_t page, std::uint64_t version) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] != page_word(page, i, version)) return false;
  }
  return true;
}

}  // namespace port_test

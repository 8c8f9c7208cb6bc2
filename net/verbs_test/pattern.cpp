// SPDX-License-Identifier: Apache-2.0
// Contents of test messages: see pattern.h. A word of 8 bytes at a time.
#include "net/verbs_test/pattern.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace verbs_test {
namespace {

constexpr std::size_t word_bytes = 8;

// The finishing steps of a known mixer (splitmix64): neighbours have nothing in common.
std::uint64_t word(std::uint32_t seed, std::uint64_t index) {
  std::uint64_t value = (index + 1) * 0x9e3779b97f4a7c15u + seed * 0xd1b54a32d192ed03u;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
  value = (value ^ value >> 27) * 0x94d049bb133111ebu;
  return value ^ value >> 31;
}

// Calls visit(begin, piece of the pattern) for pieces of at most a word until `bytes` are done.
template <typename Visit>
void for_each_piece(std::size_t bytes, std::uint32_t seed, std::uint64_t offset, Visit&& visit) {
  for (std::size_t done = 0; done < bytes;) {
    const std::uint64_t at = offset + done;
    const std::size_t skip = at % word_bytes;
    const std::size_t count = std::min(word_bytes - skip, bytes - done);
    const auto whole = std::bit_cast<std::array<std::byte, word_bytes>>(word(seed, at / word_bytes));
    visit(done, std::span(whole).subspan(skip, count));
    done += count;
  }
}

}  // namespace

void fill_pattern(std::span<std::byte> bytes, std::uint32_t seed, std::uint64_t offset) {
  for_each_piece(bytes.size(), seed, offset, [&](std::size_t begin, std::span<const std::byte> piece) {
    std::memcpy(bytes.data() + begin, piece.data(), piece.size());
  });
}

std::uint64_t count_mismatches(std::span<const std::byte> bytes, std::uint32_t seed, std::uint64_t offset) {
  std::uint64_t mismatches = 0;
  for_each_piece(bytes.size(), seed, offset, [&](std::size_t begin, std::span<const std::byte> piece) {
    if (std::memcmp(bytes.data() + begin, piece.data(), piece.size()) == 0) return;
    for (std::size_t i = 0; i < piece.size(); ++i) mismatches += bytes[begin + i] != piece[i] ? 1 : 0;
  });
  return mismatches;
}

}  // namespace verbs_test

// SPDX-License-Identifier: Apache-2.0
// ChaCha20: see chacha.h.
#include "kernel/core/chacha.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace kernel {
namespace {

constexpr unsigned double_rounds = 10;
// Words of the nonce that keep the generator's uses of the block function apart.
constexpr std::uint32_t purpose_output = 0;
constexpr std::uint32_t purpose_rekey = 1;
constexpr std::uint32_t purpose_absorb = 2;

void quarter_round(ChaChaBlock& block, unsigned a, unsigned b, unsigned c, unsigned d) {
  block[a] += block[b];
  block[d] = std::rotl(block[d] ^ block[a], 16);
  block[c] += block[d];
  block[b] = std::rotl(block[b] ^ block[c], 12);
  block[a] += block[b];
  block[d] = std::rotl(block[d] ^ block[a], 8);
  block[c] += block[d];
  block[b] = std::rotl(block[b] ^ block[c], 7);
}

}  // namespace

ChaChaBlock chacha20_block(const ChaChaKey& key, std::uint32_t counter, const std::array<std::uint32_t, 3>& nonce) {
  ChaChaBlock start{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};  // "expand 32-byte k"
  std::copy(key.begin(), key.end(), start.begin() + 4);
  start[12] = counter;
  std::copy(nonce.begin(), nonce.end(), start.begin() + 13);
  ChaChaBlock block = start;
  for (unsigned i = 0; i < double_rounds; ++i) {
    quarter_round(block, 0, 4, 8, 12);
    quarter_round(block, 1, 5, 9, 13);
    quarter_round(block, 2, 6, 10, 14);
    quarter_round(block, 3, 7, 11, 15);
    quarter_round(block, 0, 5, 10, 15);
    quarter_round(block, 1, 6, 11, 12);
    quarter_round(block, 2, 7, 8, 13);
    quarter_round(block, 3, 4, 9, 14);
  }
  for (unsigned i = 0; i < block.size(); ++i) block[i] += start[i];
  return block;
}

void ChaChaGenerator::rekey(std::uint32_t purpose) {
  const ChaChaBlock block = chacha20_block(key_, 0, {purpose, 0, 0});
  std::copy_n(block.begin(), key_.size(), key_.begin());
}

void ChaChaGenerator::absorb(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), sizeof key_);
    ChaChaKey input{};
    std::memcpy(input.data(), bytes.data(), count);
    for (unsigned i = 0; i < key_.size(); ++i) key_[i] ^= input[i];
    rekey(purpose_absorb);
    bytes = bytes.subspan(count);
  }
}

void ChaChaGenerator::fill(std::span<std::byte> bytes) {
  for (std::uint32_t counter = 0; !bytes.empty(); ++counter) {
    const ChaChaBlock block = chacha20_block(key_, counter, {purpose_output, 0, 0});
    const std::size_t count = std::min(bytes.size(), sizeof block);
    std::memcpy(bytes.data(), block.data(), count);
    bytes = bytes.subspan(count);
  }
  rekey(purpose_rekey);
}

}  // namespace kernel

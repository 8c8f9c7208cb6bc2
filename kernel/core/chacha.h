// SPDX-License-Identifier: Apache-2.0
// The ChaCha20 block function (RFC 8439, section 2.3), and a random generator on it that forgets: after each request
// the key is replaced by output, so that what was given out cannot be computed from a later state.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace kernel {

using ChaChaKey = std::array<std::uint32_t, 8>;
using ChaChaBlock = std::array<std::uint32_t, 16>;

ChaChaBlock chacha20_block(const ChaChaKey& key, std::uint32_t counter, const std::array<std::uint32_t, 3>& nonce);

// Not locked.
class ChaChaGenerator {
 public:
  // Mixes in anything unpredictable; what was mixed in before still counts.
  void absorb(std::span<const std::byte> bytes);
  void fill(std::span<std::byte> bytes);

 private:
  void rekey(std::uint32_t purpose);
  ChaChaKey key_{};
};

}  // namespace kernel

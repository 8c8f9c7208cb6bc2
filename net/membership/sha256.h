// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104, FIPS 198-1), for the challenges of joining. Small rather than fast.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace membership {

using Digest = std::array<std::uint8_t, 32>;

class Sha256 {
 public:
  void update(std::span<const std::byte> bytes);
  Digest finish();  // once

 private:
  void block(const std::uint8_t* bytes);
  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> pending_{};
  std::size_t pending_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;
};

class HmacSha256 {
 public:
  explicit HmacSha256(std::span<const std::byte> key);
  void update(std::span<const std::byte> bytes) { inner_.update(bytes); }
  Digest finish();  // once

 private:
  Sha256 inner_;
  Sha256 outer_;
};

// Takes the same time wherever the two differ.
bool equal_digests(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

}  // namespace membership

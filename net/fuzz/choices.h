// SPDX-License-Identifier: Apache-2.0
// Decisions out of bytes, so that libFuzzer's mutations of the bytes are small changes of what is done. Zeros when the
// bytes are used up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fuzz {

class Choices {
 public:
  explicit Choices(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint64_t take(std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      value = value << 8 | (bytes_.empty() ? 0 : std::to_integer<std::uint64_t>(bytes_[0]));
      if (!bytes_.empty()) bytes_ = bytes_.subspan(1);
    }
    return value;
  }
  std::uint64_t below(std::uint64_t bound) { return take(bound > 256 ? 4 : 1) % bound; }
  bool one_in(unsigned n) { return take(1) % n == 0; }
  bool empty() const { return bytes_.empty(); }
  std::span<const std::byte> rest() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace fuzz

// SPDX-License-Identifier: Apache-2.0
// Big-endian bit fields one after the other, as MADs are laid out: a reader and a writer with the same interface, so
// that one description of a layout serves both. Neither runs over: the layouts are of fixed size and asserted.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "kernel/base/assert.h"

namespace roce {

class BitReader {
 public:
  explicit BitReader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  template <std::unsigned_integral T>
  void field(T& value, unsigned bits) {
    std::uint64_t result = 0;
    for (unsigned i = 0; i < bits; ++i, ++at_) {
      const auto byte = std::to_integer<std::uint64_t>(bytes_[at_ / 8]);
      result = result << 1 | ((byte >> (7 - at_ % 8)) & 1);
    }
    value = static_cast<T>(result);
  }
  void skip(unsigned bits) { at_ += bits; }
  template <typename Bytes>
  void array(Bytes& bytes) {
    std::memcpy(bytes.data(), rest(bytes.size()).data(), bytes.size());
    at_ += bytes.size() * 8;
  }
  void view(std::span<const std::byte>& bytes, std::size_t count) {
    bytes = rest(count);
    at_ += count * 8;
  }
  std::size_t position() const { return at_; }

 private:
  std::span<const std::byte> rest(std::size_t count) const {
    LEGO_ASSERT(at_ % 8 == 0);
    return bytes_.subspan(at_ / 8, count);
  }
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;  // in bits
};

class BitWriter {
 public:
  // All bits are zero to begin with.
  explicit BitWriter(std::span<std::byte> bytes) : bytes_(bytes) { std::memset(bytes.data(), 0, bytes.size()); }
  template <std::unsigned_integral T>
  void field(const T& value, unsigned bits) {
    for (unsigned i = 0; i < bits; ++i, ++at_) {
      const auto bit = static_cast<unsigned>((static_cast<std::uint64_t>(value) >> (bits - 1 - i)) & 1);
      bytes_[at_ / 8] |= static_cast<std::byte>(bit << (7 - at_ % 8));
    }
  }
  void skip(unsigned bits) { at_ += bits; }
  template <typename Bytes>
  void array(const Bytes& bytes) {
    view(std::as_bytes(std::span(bytes)), bytes.size());
  }
  // What is longer than its place is cut off.
  void view(std::span<const std::byte> bytes, std::size_t count) {
    LEGO_ASSERT(at_ % 8 == 0);
    const std::size_t copied = bytes.size() < count ? bytes.size() : count;
    if (copied > 0) std::memcpy(bytes_.subspan(at_ / 8, count).data(), bytes.data(), copied);
    at_ += count * 8;
  }
  std::size_t position() const { return at_; }

 private:
  std::span<std::byte> bytes_;
  std::size_t at_ = 0;
};

}  // namespace roce

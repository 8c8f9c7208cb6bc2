// SPDX-License-Identifier: Apache-2.0
// Reading wire structures from the front of a byte span, and writing them to the front of one. A Reader never reads
// beyond its end: take() of more than there is returns false or an empty pointer.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>

#include "kernel/base/assert.h"

namespace roce {

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}
  std::size_t left() const { return rest_.size(); }
  std::span<const std::byte> rest() const { return rest_; }

  template <typename T>
  [[nodiscard]] bool take(T& structure) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) == 1);
    if (rest_.size() < sizeof(T)) return false;
    std::memcpy(&structure, rest_.data(), sizeof(T));
    rest_ = rest_.subspan(sizeof(T));
    return true;
  }
  [[nodiscard]] bool skip(std::size_t count) {
    if (rest_.size() < count) return false;
    rest_ = rest_.subspan(count);
    return true;
  }
  // Drops what lies beyond the first `count` bytes.
  [[nodiscard]] bool cut(std::size_t count) {
    if (rest_.size() < count) return false;
    rest_ = rest_.first(count);
    return true;
  }

 private:
  std::span<const std::byte> rest_;
};

// The caller has made sure that there is room: running over is our own mistake.
class Writer {
 public:
  explicit Writer(std::span<std::byte> room) : room_(room) {}
  std::size_t written() const { return written_; }
  std::span<std::byte> bytes() const { return room_.first(written_); }

  template <typename T>
  void put(const T& structure) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) == 1);
    LEGO_ASSERT(room_.size() - written_ >= sizeof(T));
    std::memcpy(room_.data() + written_, &structure, sizeof(T));
    written_ += sizeof(T);
  }
  void put_bytes(std::span<const std::byte> bytes) {
    LEGO_ASSERT(room_.size() - written_ >= bytes.size());
    if (!bytes.empty()) std::memcpy(room_.data() + written_, bytes.data(), bytes.size());
    written_ += bytes.size();
  }
  void put_zeros(std::size_t count) {
    LEGO_ASSERT(room_.size() - written_ >= count);
    std::memset(room_.data() + written_, 0, count);
    written_ += count;
  }

 private:
  std::span<std::byte> room_;
  std::size_t written_ = 0;
};

}  // namespace roce

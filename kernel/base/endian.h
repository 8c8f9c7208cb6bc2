// SPDX-License-Identifier: Apache-2.0
// Fixed-width integers with a byte order, for wire and hardware layouts: be32 field; field = 5; uint32_t v = field;
// They have alignment 1, so a struct of them has no padding and may lie at any address.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace base {

template <std::unsigned_integral T>
constexpr T byte_swap(T value) {
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
}

template <std::unsigned_integral T, std::endian Order>
class Ordered {
 public:
  constexpr Ordered() = default;
  constexpr Ordered(T value) { set(value); }
  constexpr operator T() const { return get(); }
  constexpr Ordered& operator=(T value) {
    set(value);
    return *this;
  }
  constexpr T get() const {
    T value = std::bit_cast<T>(bytes_);
    return Order == std::endian::native ? value : byte_swap(value);
  }
  constexpr void set(T value) {
    bytes_ = std::bit_cast<Bytes>(Order == std::endian::native ? value : byte_swap(value));
  }

 private:
  struct Bytes {
    std::uint8_t byte[sizeof(T)];
  };
  Bytes bytes_{};
};

using le16 = Ordered<std::uint16_t, std::endian::little>;
using le32 = Ordered<std::uint32_t, std::endian::little>;
using le64 = Ordered<std::uint64_t, std::endian::little>;
using be16 = Ordered<std::uint16_t, std::endian::big>;
using be32 = Ordered<std::uint32_t, std::endian::big>;
using be64 = Ordered<std::uint64_t, std::endian::big>;
static_assert(sizeof(be32) == 4 && alignof(be32) == 1 && sizeof(le64) == 8 && alignof(le64) == 1);

}  // namespace base

// SPDX-License-Identifier: Apache-2.0
// A set of cores (CPU affinity), one bit each.
#pragma once

#include <bit>
#include <cstdint>

namespace policy {

class CoreMask {
 public:
  constexpr CoreMask() = default;
  constexpr explicit CoreMask(std::uint64_t bits) : bits_(bits) {}
  static constexpr CoreMask all() { return CoreMask(~std::uint64_t{0}); }
  static constexpr CoreMask only(std::uint32_t core) { return CoreMask(std::uint64_t{1} << core); }

  constexpr bool contains(std::uint32_t core) const { return (bits_ >> core & 1) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr std::uint64_t bits() const { return bits_; }
  constexpr unsigned count() const { return static_cast<unsigned>(std::popcount(bits_)); }
  constexpr CoreMask operator&(CoreMask other) const { return CoreMask(bits_ & other.bits_); }
  constexpr bool operator==(const CoreMask&) const = default;

 private:
  std::uint64_t bits_ = 0;
};

}  // namespace policy

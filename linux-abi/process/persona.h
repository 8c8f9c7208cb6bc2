// SPDX-License-Identifier: Apache-2.0
// What personality(2) sets of a process and has an effect.
#pragma once

#include <atomic>
#include <cstdint>

namespace linux_abi {

namespace persona {
inline constexpr std::uint32_t types = 0xff, linux_32 = 8;        // PER_MASK, PER_LINUX32: uname's machine
inline constexpr std::uint32_t release_26 = 0x0020000;            // UNAME26: programs that know no other
inline constexpr std::uint32_t fixed_addresses = 0x0040000;       // ADDR_NO_RANDOMIZE
inline constexpr std::uint32_t read_implies_execute = 0x0400000;  // READ_IMPLIES_EXEC, until the next program
inline constexpr std::uint32_t sticky_timeouts = 0x4000000;       // select and its siblings leave the time
inline constexpr std::uint32_t old_layout = 0x0200000;            // ADDR_COMPAT_LAYOUT: remembered
inline constexpr std::uint32_t page_zero = 0x0100000;             // MMAP_PAGE_ZERO: remembered
// What a program with set-user-ID or set-group-ID does not inherit (PER_CLEAR_ON_SETID).
inline constexpr std::uint32_t lost_by_set_id = read_implies_execute | fixed_addresses | old_layout | page_zero;
}  // namespace persona

// Of a process. Relaxed: bits that stand alone.
class Persona {
 public:
  std::uint32_t bits() const { return bits_.load(std::memory_order_relaxed); }
  bool has(std::uint32_t bit) const { return (bits() & bit) != 0; }
  void set(std::uint32_t bits) { bits_.store(bits, std::memory_order_relaxed); }
  std::uint32_t exchange(std::uint32_t bits) { return bits_.exchange(bits, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> bits_{0};
};

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// One entry of a page table, as a value (SDM volume 3A, section 4.5, tables 4-15 to 4-20). A present entry maps a page
// or names the next table; an absent one keeps 63 bits that only software reads.
#pragma once

#include <cstdint>

#include "kernel/base/types.h"

namespace arch {

enum class PageRights : std::uint8_t {
  Read = 0,
  Write = 1,
  Execute = 2,
  User = 4,
  Global = 8,  // survives a CR3 load: kernel pages only
};
constexpr PageRights operator|(PageRights left, PageRights right) {
  return static_cast<PageRights>(static_cast<std::uint8_t>(left) | static_cast<std::uint8_t>(right));
}
constexpr bool has(PageRights rights, PageRights right) {
  return (static_cast<std::uint8_t>(rights) & static_cast<std::uint8_t>(right)) != 0;
}

// As start_percpu() programs IA32_PAT: index 0 write-back, 1 write-combining, 3 uncached.
enum class CacheMode : std::uint8_t { WriteBack, WriteCombining, Uncached };

class Entry {
 public:
  static constexpr std::uint64_t present_bit = 1u << 0;
  static constexpr std::uint64_t writable_bit = 1u << 1;
  static constexpr std::uint64_t user_bit = 1u << 2;
  static constexpr std::uint64_t write_through_bit = 1u << 3;
  static constexpr std::uint64_t cache_disable_bit = 1u << 4;
  static constexpr std::uint64_t accessed_bit = 1u << 5;
  static constexpr std::uint64_t dirty_bit = 1u << 6;
  static constexpr std::uint64_t large_bit = 1u << 7;  // in tables of levels 2 and 3
  static constexpr std::uint64_t global_bit = 1u << 8;
  static constexpr std::uint64_t no_execute_bit = std::uint64_t{1} << 63;
  static constexpr std::uint64_t frame_mask = 0x000f'ffff'ffff'f000;
  // Free for software in present entries.
  static constexpr std::uint64_t software_mask = (std::uint64_t{0x7f} << 52) | (std::uint64_t{7} << 9);

  constexpr Entry() = default;
  constexpr explicit Entry(std::uint64_t bits) : bits_(bits) {}

  static constexpr Entry page(base::PhysAddr frame, PageRights rights, CacheMode cache = CacheMode::WriteBack) {
    return Entry(present_bit | frame.value() | rights_bits(rights) | cache_bits(cache));
  }
  // A table grants everything; the pages under it decide.
  static constexpr Entry table(base::PhysAddr table) {
    return Entry(present_bit | writable_bit | user_bit | table.value());
  }
  // `software` is any number below 2^63.
  static constexpr Entry absent(std::uint64_t software = 0) { return Entry(software << 1); }

  constexpr std::uint64_t bits() const { return bits_; }
  constexpr bool present() const { return (bits_ & present_bit) != 0; }
  constexpr bool writable() const { return (bits_ & writable_bit) != 0; }
  constexpr bool executable() const { return (bits_ & no_execute_bit) == 0; }
  constexpr bool user() const { return (bits_ & user_bit) != 0; }
  constexpr bool accessed() const { return (bits_ & accessed_bit) != 0; }
  constexpr bool dirty() const { return (bits_ & dirty_bit) != 0; }
  constexpr bool large() const { return (bits_ & large_bit) != 0; }
  constexpr base::PhysAddr frame() const { return base::PhysAddr(bits_ & frame_mask); }
  constexpr std::uint64_t software() const { return present() ? bits_ & software_mask : bits_ >> 1; }

  // Keeps everything but the rights.
  constexpr Entry with_rights(PageRights rights) const {
    return Entry((bits_ & ~(writable_bit | user_bit | global_bit | no_execute_bit)) | rights_bits(rights));
  }
  // Of a present entry: sets the software bits (a subset of software_mask).
  constexpr Entry with_software(std::uint64_t software) const {
    return Entry((bits_ & ~software_mask) | (software & software_mask));
  }
  constexpr bool operator==(const Entry&) const = default;

 private:
  static constexpr std::uint64_t rights_bits(PageRights rights) {
    return (has(rights, PageRights::Write) ? writable_bit : 0) | (has(rights, PageRights::User) ? user_bit : 0) |
           (has(rights, PageRights::Global) ? global_bit : 0) | (has(rights, PageRights::Execute) ? 0 : no_execute_bit);
  }
  static constexpr std::uint64_t cache_bits(CacheMode mode) {
    switch (mode) {
      case CacheMode::WriteBack:
        return 0;
      case CacheMode::WriteCombining:
        return write_through_bit;
      case CacheMode::Uncached:
        return write_through_bit | cache_disable_bit;
    }
    return write_through_bit | cache_disable_bit;
  }

  std::uint64_t bits_ = 0;
};

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
// One virtual memory area: a page-aligned range of user addresses with one protection, one object behind it (none:
// anonymous memory) and one set of flags. Plain data; VmaSet keeps them apart and ordered.
#pragma once

#include <cstdint>

#include "kernel/base/types.h"

namespace vma {

// As PROT_* and as in the messages.
enum class Protection : std::uint8_t { None = 0, Read = 1, Write = 2, Execute = 4, All = 7 };
constexpr Protection operator|(Protection left, Protection right) {
  return static_cast<Protection>(static_cast<std::uint8_t>(left) | static_cast<std::uint8_t>(right));
}
constexpr bool has(Protection protection, Protection bit) {
  return (static_cast<std::uint8_t>(protection) & static_cast<std::uint8_t>(bit)) != 0;
}

// The first ones have the values of messages::MapFlags, and outlive the mapping call at the home as well. The others
// only the pComponent knows: its set may have borders that the home's has not.
enum class Flags : std::uint32_t {
  None = 0,
  Shared = 4,             // stores go to the object; else private, copied on write
  GrowsDown = 8,          // a stack: a touch below it may extend it
  NoWrite = 64,           // a shared mapping of a file that was opened for reading: never writable
  NotForked = 1 << 16,    // a fork's child has it not
  WipedByFork = 1 << 17,  // a fork's child finds zeros; of anonymous private memory
  NotDumped = 1 << 18,    // in no core file
  Droppable = 1 << 19,    // its pages may be zeros again at any time; stays WipedByFork and NotDumped
  NoExecute = 1 << 20,    // of a file on a mount without execution: never executable
};
inline constexpr std::uint32_t kept_flags = 4 | 8 | 64;
inline constexpr std::uint32_t local_flags = 31 << 16;
constexpr Flags operator|(Flags left, Flags right) {
  return static_cast<Flags>(static_cast<std::uint32_t>(left) | static_cast<std::uint32_t>(right));
}
constexpr Flags operator&(Flags left, Flags right) {
  return static_cast<Flags>(static_cast<std::uint32_t>(left) & static_cast<std::uint32_t>(right));
}
constexpr Flags operator~(Flags flags) { return static_cast<Flags>(~static_cast<std::uint32_t>(flags)); }
constexpr bool has(Flags flags, Flags bit) {
  return (static_cast<std::uint32_t>(flags) & static_cast<std::uint32_t>(bit)) != 0;
}

// [start, end), not empty.
struct Range {
  base::UserVa start;
  base::UserVa end;

  static constexpr Range of(base::UserVa start, std::uint64_t bytes) { return {start, start + bytes}; }
  constexpr std::uint64_t bytes() const { return end - start; }
  constexpr std::uint64_t pages() const { return bytes() / base::page_bytes; }
  constexpr bool contains(base::UserVa address) const { return start <= address && address < end; }
  constexpr bool contains(Range other) const { return start <= other.start && other.end <= end; }
  constexpr bool overlaps(Range other) const { return start < other.end && other.start < end; }
  constexpr bool operator==(const Range&) const = default;
};

struct Vma {
  Range range;
  base::ObjectId object;            // 0: anonymous and private
  std::uint64_t object_offset = 0;  // bytes, of the first page; 0 without an object
  Protection protection = Protection::None;
  Flags flags = Flags::None;

  bool shared() const { return has(flags, Flags::Shared); }
  bool grows_down() const { return has(flags, Flags::GrowsDown); }
  // The page of the object behind an address in the range.
  std::uint64_t object_page(base::UserVa address) const {
    return (object_offset + (address - range.start)) / base::page_bytes;
  }
  constexpr bool operator==(const Vma&) const = default;
};

}  // namespace vma

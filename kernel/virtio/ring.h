// SPDX-License-Identifier: Apache-2.0
// Layout of split virtqueues in memory (Virtual I/O Device 1.2, 2.7). All fields are little-endian, as this machine is;
// they are plain integers, not le16, because the device reads and writes them while we do and that takes atomics.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace virtio {

static_assert(std::endian::native == std::endian::little);

// 2.7.5
struct Descriptor {
  std::uint64_t address;
  std::uint32_t bytes;
  std::uint16_t flags;
  std::uint16_t next;
};
static_assert(sizeof(Descriptor) == 16 && offsetof(Descriptor, flags) == 12);

inline constexpr std::uint16_t descriptor_next = 1;
inline constexpr std::uint16_t descriptor_device_writes = 2;
inline constexpr std::uint16_t descriptor_indirect = 4;

// 2.7.8
struct UsedElement {
  std::uint32_t id;
  std::uint32_t bytes;
};
static_assert(sizeof(UsedElement) == 8);

inline constexpr std::uint16_t avail_no_interrupt = 1;  // 2.7.7
inline constexpr std::uint16_t used_no_notify = 1;      // 2.7.10

// Offsets of the three parts of a queue within one piece of memory; the parts lie on cache lines of their own.
struct RingLayout {
  explicit constexpr RingLayout(std::size_t size)
      : avail(16 * size), used((avail + 6 + 2 * size + 63) / 64 * 64), bytes(used + 6 + 8 * size), size_(size) {}
  std::size_t descriptors = 0;
  std::size_t avail;
  std::size_t used;
  std::size_t bytes;

  constexpr std::size_t avail_flags() const { return avail; }
  constexpr std::size_t avail_index() const { return avail + 2; }
  constexpr std::size_t avail_ring(std::size_t i) const { return avail + 4 + 2 * i; }
  constexpr std::size_t used_event() const { return avail + 4 + 2 * size_; }  // behind the avail ring
  constexpr std::size_t used_flags() const { return used; }
  constexpr std::size_t used_index() const { return used + 2; }
  constexpr std::size_t used_ring(std::size_t i) const { return used + 4 + 8 * i; }
  constexpr std::size_t avail_event() const { return used + 4 + 8 * size_; }  // behind the used ring

 private:
  std::size_t size_;
};

// 2.7.10.1: does moving an index from `before` to `now` pass the event index?
constexpr bool passes_event(std::uint16_t event, std::uint16_t now, std::uint16_t before) {
  return static_cast<std::uint16_t>(now - event - 1) < static_cast<std::uint16_t>(now - before);
}

}  // namespace virtio

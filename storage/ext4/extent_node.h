// SPDX-License-Identifier: Apache-2.0
// The on-disk nodes of an extent tree (Linux's Documentation/filesystems/ext4/ifork.rst): a header, then entries of
// twelve bytes sorted by logical block, which are extents in a leaf (depth 0) and pointers to nodes above. The root is
// in the inode; other nodes fill a block, with a checksum behind the last possible entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/endian.h"

namespace ext4 {

inline constexpr std::uint16_t extent_magic = 0xf30a;
inline constexpr std::uint32_t max_extent_blocks = 32768;
inline constexpr std::uint32_t max_unwritten_blocks = 32767;
inline constexpr std::uint16_t max_extent_depth = 5;
inline constexpr std::uint64_t max_file_blocks = 0xffffffff;

struct ExtentHeader {
  base::le16 magic;
  base::le16 entries;
  base::le16 capacity;
  base::le16 depth;
  base::le32 generation;
};
static_assert(sizeof(ExtentHeader) == 12);

struct ExtentPointer {
  base::le32 logical;
  base::le32 node_low;
  base::le16 node_high;
  base::le16 unused;
  std::uint64_t node() const { return std::uint64_t{node_high} << 32 | node_low; }
  void set_node(std::uint64_t block) {
    node_low = static_cast<std::uint32_t>(block);
    node_high = static_cast<std::uint16_t>(block >> 32);
    unused = 0;
  }
};
static_assert(sizeof(ExtentPointer) == 12);

enum class Written : std::uint8_t { No, Yes };  // a block that is not written reads as zeros

// In memory.
struct Extent {
  std::uint64_t logical = 0;
  std::uint64_t physical = 0;
  std::uint64_t count = 0;
  Written written = Written::Yes;
  std::uint64_t end() const { return logical + count; }
  bool followed_by(const Extent& next) const {
    return end() == next.logical && physical + count == next.physical && written == next.written;
  }
};

struct ExtentEntry {
  base::le32 logical;
  base::le16 length;  // above 32768: not written, by the excess
  base::le16 physical_high;
  base::le32 physical_low;
  Extent get() const {
    const std::uint32_t raw = length;
    return {logical, std::uint64_t{physical_high} << 32 | physical_low,
            raw > max_extent_blocks ? raw - max_extent_blocks : raw,
            raw > max_extent_blocks ? Written::No : Written::Yes};
  }
  void set(const Extent& extent) {
    logical = static_cast<std::uint32_t>(extent.logical);
    length = static_cast<std::uint16_t>(extent.count + (extent.written == Written::No ? max_extent_blocks : 0));
    physical_high = static_cast<std::uint16_t>(extent.physical >> 32);
    physical_low = static_cast<std::uint32_t>(extent.physical);
  }
};
static_assert(sizeof(ExtentEntry) == 12);

// A node in its place: the root in an inode or the data of a cached block.
class ExtentNode {
 public:
  explicit ExtentNode(std::byte* data) : data_(data) {}
  ExtentHeader& header() const { return *reinterpret_cast<ExtentHeader*>(data_); }
  std::size_t size() const { return header().entries; }
  bool full() const { return header().entries >= header().capacity; }
  bool leaf() const { return header().depth == 0; }
  ExtentEntry& extent(std::size_t index) const { return reinterpret_cast<ExtentEntry*>(entries())[index]; }
  ExtentPointer& pointer(std::size_t index) const { return reinterpret_cast<ExtentPointer*>(entries())[index]; }
  std::uint32_t key(std::size_t index) const { return pointer(index).logical; }  // both kinds begin with it

  void initialize(std::size_t bytes, std::uint16_t depth) const;
  // The last entry whose key is at most `logical`; 0 if there is none.
  std::size_t search(std::uint64_t logical) const;
  // Opens a gap of one entry, or closes it. The caller has seen to the room.
  void insert_gap(std::size_t index) const;
  void erase(std::size_t index) const;
  void move_tail_to(std::size_t first, ExtentNode target) const;  // the target is empty
  // Counts and the order of entries are as they must be within `bytes`.
  bool well_formed(std::size_t bytes, std::uint16_t depth) const;

  std::size_t checksum_offset() const { return sizeof(ExtentHeader) + header().capacity * sizeof(ExtentEntry); }

 private:
  std::byte* entries() const { return data_ + sizeof(ExtentHeader); }
  std::byte* data_;
};

}  // namespace ext4

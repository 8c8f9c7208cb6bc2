// SPDX-License-Identifier: Apache-2.0
// The entries in one block of a directory: inode, entry length, name length, file type, name, each a multiple of four
// bytes, together filling the block (or all but the twelve bytes of its checksum). An entry without an inode is a gap,
// and so is what an entry has beyond its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/base/endian.h"
#include "kernel/base/error.h"

namespace ext4 {

struct EntryHeader {
  base::le32 inode;
  base::le16 length;  // of the entry
  std::uint8_t name_bytes = 0;
  std::uint8_t type = 0;  // FileType

  std::uint32_t used() const { return inode == 0 ? 0 : needed(name_bytes); }
  static constexpr std::uint32_t needed(std::size_t name_bytes) {
    return static_cast<std::uint32_t>((8 + name_bytes + 3) & ~std::size_t{3});
  }
};
static_assert(sizeof(EntryHeader) == 8);

// As in the entries.
enum class FileType : std::uint8_t {
  Unknown = 0,
  Regular = 1,
  Directory = 2,
  CharacterDevice = 3,
  BlockDevice = 4,
  Fifo = 5,
  Socket = 6,
  Symlink = 7
};
FileType file_type_of_mode(std::uint32_t mode);
std::uint8_t linux_type(FileType type);  // DT_*

class DirectoryBlock {
 public:
  // `bytes`: of the block; `tail`: 12 with checksums, else 0.
  DirectoryBlock(std::byte* data, std::uint32_t bytes, std::uint32_t tail) : data_(data), bytes_(bytes), tail_(tail) {}

  std::uint32_t end() const { return bytes_ - tail_; }
  EntryHeader& at(std::uint32_t offset) const { return *reinterpret_cast<EntryHeader*>(data_ + offset); }
  std::string_view name(std::uint32_t offset) const {
    return {reinterpret_cast<const char*>(data_ + offset + sizeof(EntryHeader)), at(offset).name_bytes};
  }
  std::uint32_t next(std::uint32_t offset) const { return offset + at(offset).length; }

  // One gap.
  void initialize() const;
  // Entries fill the block exactly up to its end, and name inodes up to max_inode.
  bool well_formed(std::uint32_t max_inode) const;
  std::uint32_t longest_gap() const;
  // Where the entry lies; base::Error::NoSpace without a gap that is long enough.
  base::Result<std::uint32_t> add(std::string_view name, std::uint32_t inode, FileType type) const;
  // An entry begins at this offset (the disk may have changed under a position remembered from before).
  bool begins_entry(std::uint32_t offset) const;
  // The entry that begins at this offset becomes a gap.
  void remove(std::uint32_t offset) const;

  // The checksum at the end, which looks like an entry without a name.
  bool has_tail() const;
  void make_tail() const;
  std::uint32_t stored_checksum() const;
  void store_checksum(std::uint32_t value) const;
  std::span<const std::byte> summed() const { return {data_, end()}; }

 private:
  std::byte* data_;
  std::uint32_t bytes_;
  std::uint32_t tail_;
};

inline constexpr std::uint32_t directory_tail_bytes = 12;

}  // namespace ext4

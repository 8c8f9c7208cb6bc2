// SPDX-License-Identifier: Apache-2.0
// One block of a directory: see directory_block.h.
#include "storage/ext4/directory_block.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "storage/file_system.h"

namespace ext4 {

namespace {
constexpr std::uint8_t tail_type = 0xde;

bool valid_name(std::string_view name) {
  return !name.empty() && std::ranges::none_of(name, [](char c) { return c == '/' || c == 0; });
}
}  // namespace

FileType file_type_of_mode(std::uint32_t mode) {
  switch (mode & storage::mode::type_mask) {
    case storage::mode::regular:
      return FileType::Regular;
    case storage::mode::directory:
      return FileType::Directory;
    case storage::mode::character_device:
      return FileType::CharacterDevice;
    case storage::mode::block_device:
      return FileType::BlockDevice;
    case storage::mode::fifo:
      return FileType::Fifo;
    case storage::mode::socket:
      return FileType::Socket;
    case storage::mode::symlink:
      return FileType::Symlink;
    default:
      return FileType::Unknown;
  }
}

std::uint8_t linux_type(FileType type) {
  constexpr std::array<std::uint8_t, 8> types = {0, 8, 4, 2, 6, 1, 12, 10};
  const auto index = static_cast<std::size_t>(type);
  return index < types.size() ? types[index] : std::uint8_t{0};
}

void DirectoryBlock::initialize() const {
  std::memset(data_, 0, bytes_);
  at(0).length = static_cast<std::uint16_t>(end());
  if (tail_ != 0) make_tail();
}

bool DirectoryBlock::well_formed(std::uint32_t max_inode) const {
  std::uint32_t offset = 0;
  while (offset + sizeof(EntryHeader) <= end()) {
    const EntryHeader& entry = at(offset);
    if (entry.length < sizeof(EntryHeader) || entry.length % 4 != 0 || entry.length > end() - offset) return false;
    if (entry.inode > max_inode || entry.used() > entry.length) return false;
    if (entry.inode != 0 && !valid_name(name(offset))) return false;
    offset += entry.length;
  }
  return offset == end();
}

std::uint32_t DirectoryBlock::longest_gap() const {
  std::uint32_t longest = 0;
  for (std::uint32_t offset = 0; offset < end(); offset = next(offset))
    longest = std::max<std::uint32_t>(longest, at(offset).length - at(offset).used());
  return longest;
}

base::Result<std::uint32_t> DirectoryBlock::add(std::string_view name, std::uint32_t inode, FileType type) const {
  const std::uint32_t needed = EntryHeader::needed(name.size());
  for (std::uint32_t offset = 0; offset < end(); offset = next(offset)) {
    EntryHeader& before = at(offset);
    const std::uint32_t used = before.used();
    if (before.length - used < needed) continue;
    const auto length = static_cast<std::uint16_t>(before.length - used);
    if (used != 0) before.length = static_cast<std::uint16_t>(used);
    const std::uint32_t place = offset + used;
    EntryHeader& entry = at(place);
    entry.inode = inode;
    entry.length = length;
    entry.name_bytes = static_cast<std::uint8_t>(name.size());
    entry.type = static_cast<std::uint8_t>(type);
    std::memcpy(data_ + place + sizeof(EntryHeader), name.data(), name.size());
    return place;
  }
  return base::fail(base::Error::NoSpace);
}

bool DirectoryBlock::begins_entry(std::uint32_t offset) const {
  std::uint32_t at_offset = 0;
  while (at_offset < offset) at_offset = next(at_offset);
  return at_offset == offset && offset < end() && at(offset).inode != 0;
}

void DirectoryBlock::remove(std::uint32_t offset) const {
  if (offset == 0) {
    at(0).inode = 0;
    return;
  }
  std::uint32_t before = 0;
  while (next(before) != offset) before = next(before);
  at(before).length = static_cast<std::uint16_t>(at(before).length + at(offset).length);
}

bool DirectoryBlock::has_tail() const {
  const EntryHeader& tail = at(bytes_ - directory_tail_bytes);
  return tail.inode == 0 && tail.length == directory_tail_bytes && tail.name_bytes == 0 && tail.type == tail_type;
}

void DirectoryBlock::make_tail() const {
  EntryHeader& tail = at(bytes_ - directory_tail_bytes);
  tail.inode = 0;
  tail.length = directory_tail_bytes;
  tail.name_bytes = 0;
  tail.type = tail_type;
}

std::uint32_t DirectoryBlock::stored_checksum() const {
  return *reinterpret_cast<const base::le32*>(data_ + bytes_ - sizeof(base::le32));
}

void DirectoryBlock::store_checksum(std::uint32_t value) const {
  *reinterpret_cast<base::le32*>(data_ + bytes_ - sizeof(base::le32)) = value;
}

}  // namespace ext4

// SPDX-License-Identifier: Apache-2.0
// A directory's entries. Blocks are linear; a hash-tree index that Linux made is read past, and given up before the
// first change (its inner blocks become empty ones, no entry moves), for the index in memory does its work. Entries
// never move, so an offset is a good cookie for as long as the directory lives.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kernel/base/error.h"
#include "storage/ext4/directory_block.h"
#include "storage/ext4/file_map.h"
#include "storage/file_system.h"

namespace ext4 {

struct FoundEntry {
  std::uint32_t inode = 0;
  FileType type = FileType::Unknown;
  std::uint64_t position = 0;  // offset in the directory
};

class Directory {
 public:
  Directory(Volume& volume, Inode& inode) : volume_(volume), inode_(inode) {}

  // For a new directory: its first block, with "." and "..".
  base::Result<> initialize(std::uint32_t parent);

  // Errors: NotFound, IoError (damaged), NoMemory.
  base::Result<FoundEntry> find(std::string_view name);
  // The name is not there yet.
  base::Result<> add(std::string_view name, std::uint32_t inode, FileType type);
  base::Result<> remove(std::string_view name, const FoundEntry& entry);
  base::Result<> replace(const FoundEntry& entry, std::uint32_t inode, FileType type);
  // Nothing but "." and "..".
  base::Result<bool> is_empty();
  base::Result<> set_parent(std::uint32_t parent);
  // See storage::FileSystem::read_directory().
  base::Result<bool> list(std::uint64_t cookie, storage::DirectoryVisitor& visitor);

 private:
  DirectoryBlock view(const BlockRef& block) const {
    return {block.data(), volume_.block_bytes(), volume_.has_checksums() ? directory_tail_bytes : 0};
  }
  bool has_hash_tree() const { return (inode_.disk.i_flags & EXT2_INDEX_FL) != 0; }
  bool is_hash_tree_node(const BlockRef& block, std::uint64_t logical) const;

  base::Result<BlockRef> read(std::uint64_t logical);
  base::Result<> verify(const BlockRef& block, std::uint64_t logical);
  base::Result<BlockRef> change(std::uint64_t logical);
  void seal(const BlockRef& block, std::uint64_t logical);
  base::Result<> append_block();
  base::Result<> make_linear();

  base::Result<> load();
  base::Result<> load_blocks(DirectoryIndex& index);
  base::Result<> load_names(DirectoryIndex& index);
  base::Result<std::uint64_t> block_for(std::uint32_t needed);
  void touch();

  Volume& volume_;
  Inode& inode_;
};

}  // namespace ext4

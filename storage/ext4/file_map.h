// SPDX-License-Identifier: Apache-2.0
// Where a file's blocks are, whichever way the inode records it: an extent tree, or, in images that began as ext2 or
// ext3, the block map with its indirect blocks, which libext2fs handles.
#pragma once

#include <cstdint>

#include "kernel/base/error.h"
#include "storage/ext4/extent_tree.h"

namespace ext4 {

class FileMap {
 public:
  FileMap(Volume& volume, Inode& inode) : volume_(volume), inode_(inode), tree_(volume, inode) {}

  base::Result<Mapping> find(std::uint64_t logical);
  // Gives every hole in the range blocks of its own; those that are there stay as they are.
  base::Result<> allocate(std::uint64_t first, std::uint64_t count, Written written);
  // Every block of the range is allocated; from now on it holds data.
  base::Result<> mark_written(std::uint64_t first, std::uint64_t count);
  // Frees the blocks of [first, end), in a bounded step. True: nothing is left to free.
  base::Result<bool> remove(std::uint64_t first, std::uint64_t end = no_end);
  static constexpr std::uint64_t no_end = max_file_blocks + 1;

 private:
  base::Result<Mapping> find_in_block_map(std::uint64_t logical);
  base::Result<> remove_from_block_map(std::uint64_t first, std::uint64_t end);
  base::Result<> set_in_block_map(std::uint64_t logical, BlockRange range);

  Volume& volume_;
  Inode& inode_;
  ExtentTree tree_;
};

}  // namespace ext4

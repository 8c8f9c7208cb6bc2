// SPDX-License-Identifier: Apache-2.0
// The map from a file's blocks to the disk's, as a tree of extents. Nodes are checked as they come from the disk;
// damage is IoError. Changes are part of the volume's transaction; the caller has told the inode table that the inode
// changes.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/base/error.h"
#include "storage/ext4/extent_node.h"
#include "storage/ext4/volume.h"

namespace ext4 {

// What lies at a block of a file and, alike, behind it.
struct Mapping {
  std::uint64_t physical = 0;  // 0: a hole
  std::uint64_t count = 0;     // at least 1; for a hole, up to the next extent or the largest file
  Written written = Written::No;
  std::uint64_t goal = 0;  // for a hole: where a block for it would follow the one before it on the disk; 0: unknown
};

class ExtentTree {
 public:
  ExtentTree(Volume& volume, Inode& inode) : volume_(volume), inode_(inode) {}

  // For a new file.
  void initialize();
  base::Result<Mapping> find(std::uint64_t logical);
  // The extent's blocks are a hole, and taken from the allocator.
  base::Result<> insert(Extent extent);
  // [first, first + count) lies within one extent that is not written.
  base::Result<> mark_written(std::uint64_t first, std::uint64_t count);
  // Frees the blocks of [first, end), the last ones first, at most `extents` pieces. True: nothing is left to free.
  base::Result<bool> remove(std::uint64_t first, std::uint64_t end, std::size_t extents);

 private:
  struct Level {
    BlockRef block;  // empty for the root
    std::byte* data = nullptr;
    std::size_t index = 0;
    ExtentNode node() const { return ExtentNode(data); }
  };

  base::Result<> descend(std::uint64_t logical);
  base::Result<> descend_one(std::size_t depth, std::uint64_t end);
  base::Result<> verify(const BlockRef& block, std::uint16_t depth);
  std::uint64_t next_key() const;
  Level& leaf() { return path_[depth_]; }

  base::Result<> change(std::size_t level);
  void seal(std::size_t level);
  base::Result<> fix_keys(std::size_t level);
  base::Result<> make_room(std::uint64_t logical);
  base::Result<> grow_root();
  base::Result<> split(std::size_t level);
  base::Result<BlockRef> new_node(std::uint16_t depth);
  base::Result<> put(const Extent& extent);
  base::Result<bool> merge(const Extent& extent);
  base::Result<> remove_piece(Extent extent, std::uint64_t first, std::uint64_t end);
  base::Result<> drop_empty_leaf();

  Volume& volume_;
  Inode& inode_;
  std::array<Level, max_extent_depth + 1> path_;  // the root first
  std::size_t depth_ = 0;                         // of the tree; path_[depth_] is the leaf
};

}  // namespace ext4

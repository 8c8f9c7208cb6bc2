// SPDX-License-Identifier: Apache-2.0
// Which blocks and inodes are in use, and the counts that go with it, as part of the transaction under way. What is
// taken is taken at once; what is given back becomes free only when the transaction commits, so that nothing freed is
// used again before the freeing is certain; with a journal, freed blocks are kept from use until the journal has the
// transaction, though the disk's bitmaps call them free. It also stands in for libext2fs's alloc_stats.c.
#pragma once

#include <ext2fs/ext2fs.h>

#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "storage/ext4/block_cache.h"
#include "storage/ext4/system_zone.h"

namespace ext4 {

enum class BlockUse : std::uint8_t { Data, TreeNode };

// Whoever can make certain what was freed, so that it may be used.
class FreedBlocks {
 public:
  virtual base::Result<> make_available() = 0;

 protected:
  ~FreedBlocks() = default;
};

class Allocator {
 public:
  Allocator(ext2_filsys fs, BlockCache& cache) : fs_(fs), cache_(cache) {}
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;
  ~Allocator();
  // Reads the bitmaps and makes itself the library's allocator.
  base::Result<> initialize();

  const SystemZone& system_zone() const { return zone_; }
  // `keep_back`: free blocks that the transaction under way may not use, besides those kept for trees.
  void begin(std::uint64_t keep_back) { keep_back_ = keep_back; }
  // Free blocks that only the nodes of extent trees may take: writing to what was reserved must not fail for want of
  // a node. As many as Linux keeps.
  std::uint64_t kept_for_trees() const;

  // At least one block and at most `wanted`, in one piece, at or near the goal. Errors: NoSpace, NoMemory.
  base::Result<BlockRange> allocate_blocks(std::uint64_t goal, std::uint64_t wanted, BlockUse use = BlockUse::Data);
  void free_blocks(BlockRange range);
  base::Result<std::uint32_t> allocate_inode(std::uint32_t parent, bool directory);
  void free_inode(std::uint32_t inode, bool directory);
  bool inode_in_use(std::uint32_t inode) const;
  // Where the data of an inode should lie if nothing better is known.
  std::uint64_t goal_of_inode(std::uint32_t inode) const;

  // The three steps of a transaction's end. prepare() brings what commit() writes into the cache's transaction and is
  // the only one that can fail; after it either commit() or abort() follows.
  base::Result<> prepare();
  void commit();
  void abort();

  // For the journal: from now on freed blocks are kept until release_kept(), which make_available() brings about when
  // no others are left. Null: they are not.
  void keep_freed(FreedBlocks* freed) { keeper_ = freed; }
  void release_kept();
  std::span<const BlockRange> freed() const { return freed_.span(); }  // by the transaction under way

  // For the library's hooks.
  base::Result<BlockRange> find_free(std::uint64_t goal, std::uint64_t wanted, BlockUse use);
  void take(BlockRange range);

 private:
  struct FreedInode {
    std::uint32_t number;
    bool directory;
  };
  enum GroupFlags : std::uint8_t { BlockBitmap = 1, InodeBitmap = 2, Descriptor = 4 };

  std::uint64_t group_first(dgrp_t group) const { return ext2fs_group_first_block2(fs_, group); }
  base::Result<BlockRange> search(std::uint64_t goal, std::uint64_t wanted, BlockUse use);
  BlockRange best_run(std::uint64_t first, std::uint64_t last, std::uint64_t wanted, bool at_goal);
  void mark_group(dgrp_t group, std::uint8_t flags);
  void count_blocks(dgrp_t group, std::int64_t freed);
  void release_blocks(BlockRange range);
  void release_in_group(dgrp_t group, BlockRange range);
  bool keep(BlockRange range);
  bool is_in_use(std::uint64_t block) const;
  void release_inode(FreedInode inode);
  void take_inode(std::uint32_t inode, bool directory);
  dgrp_t group_for_inode(std::uint32_t parent, bool directory) const;
  base::Result<> prepare_group(dgrp_t group);
  void write_group(dgrp_t group);
  void write_block_bitmap(dgrp_t group);
  void write_inode_bitmap(dgrp_t group);
  void write_descriptors(dgrp_t group);

  ext2_filsys fs_;
  BlockCache& cache_;
  SystemZone zone_;
  std::uint64_t keep_back_ = 0;
  base::Array<BlockRange> taken_;
  base::Array<BlockRange> freed_;
  base::Array<FreedInode> taken_inodes_;
  base::Array<FreedInode> freed_inodes_;
  base::Array<std::uint8_t> group_flags_;  // what the transaction changes, per group
  FreedBlocks* keeper_ = nullptr;
  ext2fs_block_bitmap kept_map_ = nullptr;        // marked in the library's bitmap too, so that nobody takes them
  base::Array<BlockRange> kept_;                  // the same
  base::Array<std::byte> kept_bits_;              // of one group
  base::Array<std::byte> committed_descriptors_;  // as before the transaction
};

}  // namespace ext4

// SPDX-License-Identifier: Apache-2.0
// Finding and counting free blocks and inodes: see allocator.h. The steps of a commit are in allocator_commit.cpp.
#include "storage/ext4/allocator.h"

#include <algorithm>
#include <cstring>

#include "storage/ext4/errors.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;

namespace {
constexpr unsigned runs_looked_at = 32;        // in one group, for a long enough one
constexpr std::uint64_t good_run_blocks = 64;  // worth stopping for
}  // namespace

Allocator::~Allocator() {
  if (kept_map_ != nullptr) ext2fs_free_block_bitmap(kept_map_);
}

Result<> Allocator::initialize() {
  fs_->default_bitmap_type = EXT2FS_BMAP64_BITARRAY;
  TRY(zone_.build(fs_));
  TRY(check(ext2fs_read_bitmaps(fs_)));
  TRY(check(ext2fs_allocate_block_bitmap(fs_, "kept", &kept_map_)));
  TRY(kept_bits_.resize(fs_->blocksize));
  TRY(group_flags_.resize(fs_->group_desc_count));
  TRY(committed_descriptors_.resize(fs_->desc_blocks * fs_->blocksize));
  std::memcpy(committed_descriptors_.data(), fs_->group_desc, committed_descriptors_.size());
  fs_->priv_data = this;
  fs_->get_alloc_block2 = [](ext2_filsys fs, blk64_t goal, blk64_t* block, blk_alloc_ctx*) -> errcode_t {
    const auto range = static_cast<Allocator*>(fs->priv_data)->find_free(goal, 1, BlockUse::Data);
    if (!range) return to_library(range.error());
    *block = range->first;
    return 0;
  };
  return {};
}

// The longest of the free runs in [first, last], or the first that is long enough; with at_goal, whatever starts at
// `first` itself.
BlockRange Allocator::best_run(std::uint64_t first, std::uint64_t last, std::uint64_t wanted, bool at_goal) {
  BlockRange best;
  std::uint64_t from = first;
  for (unsigned run = 0; run < runs_looked_at && from <= last; ++run) {
    blk64_t start = 0, end = 0;
    if (ext2fs_find_first_zero_block_bitmap2(fs_->block_map, from, last, &start) != 0) break;
    const std::uint64_t limit = std::min<std::uint64_t>(last, start + wanted - 1);
    if (ext2fs_find_first_set_block_bitmap2(fs_->block_map, start, limit, &end) != 0) end = limit + 1;
    from = end + 1;
    if (!zone_.is_data(start, end - start)) {  // a damaged bitmap calls them free
      ext2fs_mark_block_bitmap_range2(fs_->block_map, start, static_cast<unsigned>(end - start));
      continue;
    }
    if (end - start > best.count) best = {start, end - start};
    if (best.count >= wanted || (at_goal && start == first)) break;
  }
  return best;
}

std::uint64_t Allocator::kept_for_trees() const {
  return std::min<std::uint64_t>(ext2fs_blocks_count(fs_->super) / 50, 4096);
}

// What was freed is made available only when there is nothing else.
Result<BlockRange> Allocator::find_free(std::uint64_t goal, std::uint64_t wanted, BlockUse use) {
  const auto found = search(goal, wanted, use);
  if (found || found.error() != Error::NoSpace || kept_.empty()) return found;
  TRY(keeper_->make_available());
  return search(goal, wanted, use);
}

Result<BlockRange> Allocator::search(std::uint64_t goal, std::uint64_t wanted, BlockUse use) {
  const std::uint64_t free = ext2fs_free_blocks_count(fs_->super);
  const std::uint64_t keep_back = use == BlockUse::TreeNode ? 0 : keep_back_ + kept_for_trees();
  if (free <= keep_back) return fail(Error::NoSpace);
  wanted = std::min<std::uint64_t>({wanted, free - keep_back, fs_->super->s_blocks_per_group});
  if (goal < fs_->super->s_first_data_block || goal >= ext2fs_blocks_count(fs_->super))
    goal = fs_->super->s_first_data_block;
  const dgrp_t groups = fs_->group_desc_count;
  const dgrp_t start = ext2fs_group_of_blk2(fs_, goal);
  BlockRange best;
  // The goal's group comes again at the end, for what lies before the goal.
  for (dgrp_t step = 0; step <= groups; ++step) {
    const auto group = static_cast<dgrp_t>((std::uint64_t{start} + step) % groups);
    if (ext2fs_bg_free_blocks_count(fs_, group) == 0) continue;
    const std::uint64_t first = step == 0 ? goal : group_first(group);
    const BlockRange run = best_run(first, ext2fs_group_last_block2(fs_, group), wanted, step == 0);
    if (run.count > best.count) best = run;
    if (best.count >= std::min(wanted, good_run_blocks) || (step == 0 && best.count != 0 && best.first == goal))
      return best;
  }
  if (best.count == 0) return fail(Error::NoSpace);
  return best;
}

void Allocator::mark_group(dgrp_t group, std::uint8_t flags) {
  group_flags_[group] = static_cast<std::uint8_t>(group_flags_[group] | flags | Descriptor);
}

void Allocator::count_blocks(dgrp_t group, std::int64_t freed) {
  const std::int64_t in_group = ext2fs_bg_free_blocks_count(fs_, group);
  ext2fs_bg_free_blocks_count_set(fs_, group, static_cast<__u32>(std::max<std::int64_t>(in_group + freed, 0)));
  ext2fs_bg_flags_clear(fs_, group, EXT2_BG_BLOCK_UNINIT);
  const auto in_all = static_cast<std::int64_t>(ext2fs_free_blocks_count(fs_->super));
  ext2fs_free_blocks_count_set(fs_->super, static_cast<blk64_t>(std::max<std::int64_t>(in_all + freed, 0)));
  mark_group(group, BlockBitmap);
}

void Allocator::take(BlockRange range) {
  if (!zone_.is_data(range.first, range.count)) return cache_.fail_transaction(Error::IoError);
  if (auto result = taken_.push_back(range); !result) return cache_.fail_transaction(result.error());
  ext2fs_mark_block_bitmap_range2(fs_->block_map, range.first, static_cast<unsigned>(range.count));
  for (std::uint64_t block = range.first; block < range.end();) {
    const dgrp_t group = ext2fs_group_of_blk2(fs_, block);
    const std::uint64_t end = std::min<std::uint64_t>(range.end(), ext2fs_group_last_block2(fs_, group) + 1);
    count_blocks(group, -static_cast<std::int64_t>(end - block));
    block = end;
  }
}

Result<BlockRange> Allocator::allocate_blocks(std::uint64_t goal, std::uint64_t wanted, BlockUse use) {
  TRY(taken_.reserve(taken_.size() + 1));
  const BlockRange range = TRY(find_free(goal, wanted, use));
  take(range);
  return range;
}

void Allocator::free_blocks(BlockRange range) {
  if (!zone_.is_data(range.first, range.count)) return cache_.fail_transaction(Error::IoError);
  cache_.forget(range.first, range.count);
  if (!freed_.empty() && freed_.back().end() == range.first) {
    freed_.back().count += range.count;
  } else if (auto result = freed_.push_back(range); !result) {
    cache_.fail_transaction(result.error());
  }
}

std::uint64_t Allocator::goal_of_inode(std::uint32_t inode) const {
  return ext2fs_group_first_block2(fs_, ext2fs_group_of_ino(fs_, inode));
}

bool Allocator::inode_in_use(std::uint32_t inode) const {
  return inode >= 1 && inode <= fs_->super->s_inodes_count && ext2fs_test_inode_bitmap2(fs_->inode_map, inode) != 0;
}

// Files go to their directory's group; so do directories, but those in the root are spread to where there is room.
dgrp_t Allocator::group_for_inode(std::uint32_t parent, bool directory) const {
  dgrp_t best = ext2fs_group_of_ino(fs_, parent);
  if (!directory || parent != EXT2_ROOT_INO) return best;
  for (dgrp_t group = 0; group < fs_->group_desc_count; ++group)
    if (ext2fs_bg_free_inodes_count(fs_, group) != 0 &&
        ext2fs_bg_free_blocks_count(fs_, group) > ext2fs_bg_free_blocks_count(fs_, best))
      best = group;
  return best;
}

Result<std::uint32_t> Allocator::allocate_inode(std::uint32_t parent, bool directory) {
  TRY(taken_inodes_.reserve(taken_inodes_.size() + 1));
  const dgrp_t groups = fs_->group_desc_count;
  const dgrp_t start = group_for_inode(parent, directory);
  const std::uint32_t per_group = fs_->super->s_inodes_per_group;
  for (dgrp_t step = 0; step < groups; ++step) {
    const auto group = static_cast<dgrp_t>((std::uint64_t{start} + step) % groups);
    if (ext2fs_bg_free_inodes_count(fs_, group) == 0) continue;
    const std::uint32_t first = std::max(group * per_group + 1, fs_->super->s_first_ino);
    ext2_ino_t inode = 0;
    if (ext2fs_find_first_zero_inode_bitmap2(fs_->inode_map, first, (group + 1) * per_group, &inode) != 0) continue;
    take_inode(inode, directory);
    return inode;
  }
  return fail(Error::NoSpace);
}

void Allocator::take_inode(std::uint32_t inode, bool directory) {
  if (auto result = taken_inodes_.push_back({inode, directory}); !result)
    return cache_.fail_transaction(result.error());
  const dgrp_t group = ext2fs_group_of_ino(fs_, inode);
  ext2fs_mark_inode_bitmap2(fs_->inode_map, inode);
  ext2fs_bg_free_inodes_count_set(fs_, group, ext2fs_bg_free_inodes_count(fs_, group) - 1);
  if (directory) ext2fs_bg_used_dirs_count_set(fs_, group, ext2fs_bg_used_dirs_count(fs_, group) + 1);
  if (ext2fs_bg_flags_test(fs_, group, EXT2_BG_INODE_UNINIT)) {
    // As Linux does: a group with inodes in use has both of its bitmaps written out.
    ext2fs_bg_flags_clear(fs_, group, EXT2_BG_INODE_UNINIT);
    ext2fs_bg_flags_clear(fs_, group, EXT2_BG_BLOCK_UNINIT);
    mark_group(group, BlockBitmap);
  }
  if (ext2fs_has_group_desc_csum(fs_)) {
    const std::uint32_t per_group = fs_->super->s_inodes_per_group;
    const std::uint32_t behind = per_group - 1 - (inode - 1) % per_group;
    if (ext2fs_bg_itable_unused(fs_, group) > behind) ext2fs_bg_itable_unused_set(fs_, group, behind);
  }
  if (fs_->super->s_free_inodes_count > 0) --fs_->super->s_free_inodes_count;
  mark_group(group, InodeBitmap);
}

void Allocator::free_inode(std::uint32_t inode, bool directory) {
  if (auto result = freed_inodes_.push_back({inode, directory}); !result) cache_.fail_transaction(result.error());
}

}  // namespace ext4

// What the library calls when it has taken or given up a block itself.
extern "C" {

void ext2fs_block_alloc_stats_range(ext2_filsys fs, blk64_t block, blk_t count, int in_use) {
  auto& allocator = *static_cast<ext4::Allocator*>(fs->priv_data);
  if (in_use > 0) allocator.take({block, count});
  if (in_use < 0) allocator.free_blocks({block, count});
}

void ext2fs_block_alloc_stats2(ext2_filsys fs, blk64_t block, int in_use) {
  ext2fs_block_alloc_stats_range(fs, block, 1, in_use);
}

void ext2fs_block_alloc_stats(ext2_filsys fs, blk_t block, int in_use) {
  ext2fs_block_alloc_stats_range(fs, block, 1, in_use);
}

// Only for inodes that hold an attribute's value, which are refused at mount.
void ext2fs_inode_alloc_stats2(ext2_filsys, ext2_ino_t, int, int) {}

}  // extern "C"

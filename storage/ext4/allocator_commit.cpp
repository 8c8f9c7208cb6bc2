// SPDX-License-Identifier: Apache-2.0
// The end of a transaction for bitmaps and group descriptors: see allocator.h.
#include <algorithm>
#include <cstring>

#include "storage/ext4/allocator.h"

namespace ext4 {

using base::Result;

namespace {

std::uint32_t descriptors_per_block(ext2_filsys fs) {
  return static_cast<std::uint32_t>(EXT2_DESC_PER_BLOCK(fs->super));
}

}  // namespace

// Everything that write_group() will fill joins the cache's transaction now, while failing is still possible.
Result<> Allocator::prepare_group(dgrp_t group) {
  TRY(cache_.overwrite(
      ext2fs_descriptor_block_loc2(fs_, fs_->super->s_first_data_block, group / descriptors_per_block(fs_))));
  if ((group_flags_[group] & BlockBitmap) != 0) TRY(cache_.overwrite(ext2fs_block_bitmap_loc(fs_, group)));
  if ((group_flags_[group] & InodeBitmap) != 0) TRY(cache_.overwrite(ext2fs_inode_bitmap_loc(fs_, group)));
  return {};
}

Result<> Allocator::prepare() {
  for (const BlockRange& range : freed_) {
    const dgrp_t last = ext2fs_group_of_blk2(fs_, range.end() - 1);
    for (dgrp_t group = ext2fs_group_of_blk2(fs_, range.first); group <= last; ++group) mark_group(group, BlockBitmap);
  }
  for (const FreedInode& inode : freed_inodes_) mark_group(ext2fs_group_of_ino(fs_, inode.number), InodeBitmap);
  for (dgrp_t group = 0; group < fs_->group_desc_count; ++group)
    if (group_flags_[group] != 0) TRY(prepare_group(group));
  return {};
}

void Allocator::release_in_group(dgrp_t group, BlockRange range) {
  blk64_t clear = 0;
  std::int64_t freed = 0;
  if (ext2fs_find_first_zero_block_bitmap2(fs_->block_map, range.first, range.end() - 1, &clear) != 0) {
    ext2fs_unmark_block_bitmap_range2(fs_->block_map, range.first, static_cast<unsigned>(range.count));
    freed = static_cast<std::int64_t>(range.count);
  } else {  // part of it is free already: two owners on a damaged disk
    for (std::uint64_t block = range.first; block < range.end(); ++block)
      if (ext2fs_unmark_block_bitmap2(fs_->block_map, block) != 0) ++freed;
  }
  count_blocks(group, freed);
}

void Allocator::release_blocks(BlockRange range) {
  for (std::uint64_t block = range.first; block < range.end();) {
    const dgrp_t group = ext2fs_group_of_blk2(fs_, block);
    const std::uint64_t end = std::min<std::uint64_t>(range.end(), ext2fs_group_last_block2(fs_, group) + 1);
    release_in_group(group, {block, end - block});
    block = end;
  }
}

void Allocator::release_inode(FreedInode inode) {
  if (ext2fs_unmark_inode_bitmap2(fs_->inode_map, inode.number) == 0) return;
  const dgrp_t group = ext2fs_group_of_ino(fs_, inode.number);
  ext2fs_bg_free_inodes_count_set(fs_, group, ext2fs_bg_free_inodes_count(fs_, group) + 1);
  const std::uint32_t directories = ext2fs_bg_used_dirs_count(fs_, group);
  if (inode.directory && directories > 0) ext2fs_bg_used_dirs_count_set(fs_, group, directories - 1);
  ++fs_->super->s_free_inodes_count;
}

void Allocator::write_descriptors(dgrp_t group) {
  const std::uint32_t index = group / descriptors_per_block(fs_);
  const BlockRef block = *cache_.overwrite(ext2fs_descriptor_block_loc2(fs_, fs_->super->s_first_data_block, index));
  const auto* descriptors = reinterpret_cast<const std::byte*>(fs_->group_desc);
  std::memcpy(block.data(), descriptors + std::size_t{index} * fs_->blocksize, fs_->blocksize);
  std::memcpy(committed_descriptors_.data() + std::size_t{index} * fs_->blocksize, block.data(), fs_->blocksize);
}

// Bits past the end of the group, and of the file system in the last one, are ones on the disk.
void Allocator::write_group(dgrp_t group) {
  const auto fill = [this](const BlockRef& block, std::uint32_t bits) {
    for (std::uint32_t bit = bits; bit % 8 != 0; ++bit) block.data()[bit / 8] |= std::byte{1} << (bit % 8);
    const std::uint32_t bytes = (bits + 7) / 8;
    std::memset(block.data() + bytes, 0xff, fs_->blocksize - bytes);
  };
  if ((group_flags_[group] & BlockBitmap) != 0) {
    const BlockRef block = *cache_.overwrite(ext2fs_block_bitmap_loc(fs_, group));
    char* bits = reinterpret_cast<char*>(block.data());
    ext2fs_get_block_bitmap_range2(fs_->block_map, group_first(group), fs_->super->s_blocks_per_group, bits);
    fill(block, static_cast<std::uint32_t>(ext2fs_group_blocks_count(fs_, group)));
    ext2fs_block_bitmap_csum_set(fs_, group, bits, static_cast<int>(fs_->super->s_blocks_per_group / 8));
  }
  if ((group_flags_[group] & InodeBitmap) != 0) {
    const BlockRef block = *cache_.overwrite(ext2fs_inode_bitmap_loc(fs_, group));
    char* bits = reinterpret_cast<char*>(block.data());
    const std::uint32_t per_group = fs_->super->s_inodes_per_group;
    ext2fs_get_inode_bitmap_range2(fs_->inode_map, std::uint64_t{group} * per_group + 1, per_group, bits);
    fill(block, per_group);
    ext2fs_inode_bitmap_csum_set(fs_, group, bits, static_cast<int>(per_group / 8));
  }
  ext2fs_group_desc_csum_set(fs_, group);
}

void Allocator::commit() {
  for (const BlockRange& range : freed_) release_blocks(range);
  for (const FreedInode& inode : freed_inodes_) release_inode(inode);
  for (dgrp_t group = 0; group < fs_->group_desc_count; ++group)
    if (group_flags_[group] != 0) write_group(group);
  const std::uint32_t per_block = descriptors_per_block(fs_);
  std::uint64_t written = ~std::uint64_t{0};
  for (dgrp_t group = 0; group < fs_->group_desc_count; ++group) {
    if (group_flags_[group] != 0 && group / per_block != written) {
      write_descriptors(group);
      written = group / per_block;
    }
    group_flags_[group] = 0;
  }
  taken_.clear();
  freed_.clear();
  taken_inodes_.clear();
  freed_inodes_.clear();
}

void Allocator::abort() {
  for (const BlockRange& range : taken_)
    ext2fs_unmark_block_bitmap_range2(fs_->block_map, range.first, static_cast<unsigned>(range.count));
  for (const FreedInode& inode : taken_inodes_) ext2fs_unmark_inode_bitmap2(fs_->inode_map, inode.number);
  std::memcpy(fs_->group_desc, committed_descriptors_.data(), committed_descriptors_.size());
  for (std::uint8_t& flags : group_flags_) flags = 0;
  taken_.clear();
  freed_.clear();
  taken_inodes_.clear();
  freed_inodes_.clear();
}

}  // namespace ext4

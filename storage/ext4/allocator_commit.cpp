// SPDX-License-Identifier: Apache-2.0
// The end of a transaction for bitmaps and group descriptors: see allocator.h.
#include <algorithm>
#include <cstring>
#include <span>

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

bool Allocator::is_in_use(std::uint64_t block) const {
  return ext2fs_test_block_bitmap2(fs_->block_map, block) != 0 && ext2fs_test_block_bitmap2(kept_map_, block) == 0;
}

// False: it may be used at once.
bool Allocator::keep(BlockRange range) {
  if (keeper_ == nullptr) return false;
  if (!kept_.empty() && kept_.back().end() == range.first) {
    kept_.back().count += range.count;
  } else if (!kept_.push_back(range)) {
    return true;  // without memory for the list they stay unused until the next mount
  }
  ext2fs_mark_block_bitmap_range2(kept_map_, range.first, static_cast<unsigned>(range.count));
  return true;
}

void Allocator::release_kept() {
  for (const BlockRange& range : kept_) {
    ext2fs_unmark_block_bitmap_range2(kept_map_, range.first, static_cast<unsigned>(range.count));
    ext2fs_unmark_block_bitmap_range2(fs_->block_map, range.first, static_cast<unsigned>(range.count));
  }
  kept_.clear();
}

void Allocator::release_in_group(dgrp_t group, BlockRange range) {
  blk64_t found = 0;
  std::int64_t freed = 0;
  const std::uint64_t last = range.end() - 1;
  const auto release = [&](BlockRange piece) {
    if (!keep(piece))
      ext2fs_unmark_block_bitmap_range2(fs_->block_map, piece.first, static_cast<unsigned>(piece.count));
    freed += static_cast<std::int64_t>(piece.count);
  };
  if (ext2fs_find_first_zero_block_bitmap2(fs_->block_map, range.first, last, &found) != 0 &&
      ext2fs_find_first_set_block_bitmap2(kept_map_, range.first, last, &found) != 0) {
    release(range);
  } else {  // part of it is free already: two owners on a damaged disk
    for (std::uint64_t block = range.first; block < range.end(); ++block)
      if (is_in_use(block)) release({block, 1});
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

namespace {

// Bits past the end of the group, and of the file system in the last one, are ones on the disk.
void fill_rest(std::span<std::byte> bitmap, std::uint32_t bits) {
  for (std::uint32_t bit = bits; bit % 8 != 0; ++bit) bitmap[bit / 8] |= std::byte{1} << (bit % 8);
  const std::uint32_t bytes = (bits + 7) / 8;
  std::memset(bitmap.data() + bytes, 0xff, bitmap.size() - bytes);
}

}  // namespace

// As it will be once the transaction is certain: what is kept is free.
void Allocator::write_block_bitmap(dgrp_t group) {
  const BlockRef block = *cache_.overwrite(ext2fs_block_bitmap_loc(fs_, group));
  const std::span<std::byte> bitmap(block.data(), fs_->blocksize);
  char* bits = reinterpret_cast<char*>(bitmap.data());
  ext2fs_get_block_bitmap_range2(fs_->block_map, group_first(group), fs_->super->s_blocks_per_group, bits);
  if (!kept_.empty()) {
    char* kept = reinterpret_cast<char*>(kept_bits_.data());
    ext2fs_get_block_bitmap_range2(kept_map_, group_first(group), fs_->super->s_blocks_per_group, kept);
    for (std::uint32_t byte = 0; byte < fs_->super->s_blocks_per_group / 8; ++byte) bitmap[byte] &= ~kept_bits_[byte];
  }
  fill_rest(bitmap, static_cast<std::uint32_t>(ext2fs_group_blocks_count(fs_, group)));
  ext2fs_block_bitmap_csum_set(fs_, group, bits, static_cast<int>(fs_->super->s_blocks_per_group / 8));
}

void Allocator::write_inode_bitmap(dgrp_t group) {
  const BlockRef block = *cache_.overwrite(ext2fs_inode_bitmap_loc(fs_, group));
  char* bits = reinterpret_cast<char*>(block.data());
  const std::uint32_t per_group = fs_->super->s_inodes_per_group;
  ext2fs_get_inode_bitmap_range2(fs_->inode_map, std::uint64_t{group} * per_group + 1, per_group, bits);
  fill_rest({block.data(), fs_->blocksize}, per_group);
  ext2fs_inode_bitmap_csum_set(fs_, group, bits, static_cast<int>(per_group / 8));
}

void Allocator::write_group(dgrp_t group) {
  if ((group_flags_[group] & BlockBitmap) != 0) write_block_bitmap(group);
  if ((group_flags_[group] & InodeBitmap) != 0) write_inode_bitmap(group);
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

// SPDX-License-Identifier: Apache-2.0
// The file system's own blocks: see system_zone.h.
#include "storage/ext4/system_zone.h"

#include <algorithm>

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;

Result<> SystemZone::add(std::uint64_t first, std::uint64_t count) {
  if (first < first_data_block_ || first >= end_ || count > end_ - first) return fail(Error::Malformed);
  if (!ranges_.empty() && ranges_.back().end() == first) {
    ranges_.back().count += count;
    return {};
  }
  return ranges_.push_back({first, count});
}

Result<> SystemZone::add_group(ext2_filsys fs, dgrp_t group) {
  blk64_t super = 0, old_descriptors = 0, new_descriptors = 0;
  blk_t used = 0;
  ext2fs_super_and_bgd_loc2(fs, group, &super, &old_descriptors, &new_descriptors, &used);
  if (super != 0 || group == 0) TRY(add(super, 1));
  if (old_descriptors != 0) {
    const std::uint64_t count = ext2fs_has_feature_meta_bg(fs->super)
                                    ? fs->super->s_first_meta_bg
                                    : fs->desc_blocks + fs->super->s_reserved_gdt_blocks;
    if (count != 0) TRY(add(old_descriptors, count));
  }
  if (new_descriptors != 0) TRY(add(new_descriptors, 1));
  TRY(add(ext2fs_block_bitmap_loc(fs, group), 1));
  TRY(add(ext2fs_inode_bitmap_loc(fs, group), 1));
  return add(ext2fs_inode_table_loc(fs, group), fs->inode_blocks_per_group);
}

Result<> SystemZone::merge() {
  std::sort(ranges_.begin(), ranges_.end(), [](const BlockRange& a, const BlockRange& b) { return a.first < b.first; });
  std::size_t kept = 0;
  for (std::size_t i = 1; i < ranges_.size(); ++i) {
    if (ranges_[i].first < ranges_[kept].end()) return fail(Error::Malformed);
    if (ranges_[i].first == ranges_[kept].end())
      ranges_[kept].count += ranges_[i].count;
    else
      ranges_[++kept] = ranges_[i];
  }
  while (ranges_.size() > kept + 1) ranges_.pop_back();
  for (const BlockRange& range : ranges_) blocks_ += range.count;
  return {};
}

Result<> SystemZone::build(ext2_filsys fs) {
  first_data_block_ = fs->super->s_first_data_block;
  end_ = ext2fs_blocks_count(fs->super);
  for (dgrp_t group = 0; group < fs->group_desc_count; ++group) TRY(add_group(fs, group));
  return merge();
}

bool SystemZone::is_data(std::uint64_t first, std::uint64_t count) const {
  if (count == 0 || first < first_data_block_ || first >= end_ || count > end_ - first) return false;
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), first,
                                      [](std::uint64_t block, const BlockRange& range) { return block < range.first; });
  if (after != ranges_.end() && after->first < first + count) return false;
  return after == ranges_.begin() || (after - 1)->end() <= first;
}

}  // namespace ext4

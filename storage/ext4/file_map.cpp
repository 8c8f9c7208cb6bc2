// SPDX-License-Identifier: Apache-2.0
// Both kinds of maps: see file_map.h.
#include "storage/ext4/file_map.h"

#include <algorithm>

#include "storage/ext4/block_count.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;

namespace {
constexpr std::uint64_t block_map_run = 64;             // blocks looked at ahead for a longer run
constexpr std::uint64_t block_map_blocks = 0x40000000;  // larger than what three levels of indirection reach
}  // namespace

Result<Mapping> FileMap::find_in_block_map(std::uint64_t logical) {
  if (logical >= block_map_blocks) return Mapping{.count = max_file_blocks - std::min(logical, max_file_blocks - 1)};
  const SystemZone& zone = volume_.allocator().system_zone();
  Mapping mapping;
  for (std::uint64_t ahead = 0; ahead < block_map_run; ++ahead) {
    blk64_t block = 0;
    const errcode_t code = ext2fs_bmap2(volume_.library(), inode_.number(), inode_.library_view(), nullptr, 0,
                                        logical + ahead, nullptr, &block);
    if (code != 0 && ahead > 0) break;
    TRY(check(code));
    if (block != 0 && !zone.is_data(block, 1)) return fail(Error::IoError);
    if (ahead == 0) {
      mapping = {.physical = block, .count = 1, .written = block != 0 ? Written::Yes : Written::No};
    } else if (mapping.physical == 0 ? block == 0 : block == mapping.physical + ahead) {
      ++mapping.count;
    } else {
      break;
    }
  }
  return mapping;
}

Result<Mapping> FileMap::find(std::uint64_t logical) {
  if (inode_.has_extents()) return tree_.find(logical);
  return find_in_block_map(logical);
}

Result<> FileMap::set_in_block_map(std::uint64_t logical, BlockRange range) {
  for (std::uint64_t i = 0; i < range.count; ++i) {
    blk64_t block = range.first + i;
    TRY(check(ext2fs_bmap2(volume_.library(), inode_.number(), inode_.library_view(), nullptr, BMAP_ALLOC | BMAP_SET,
                           logical + i, nullptr, &block)));
  }
  return add_blocks(volume_.library(), inode_, range.count);
}

Result<> FileMap::allocate(std::uint64_t first, std::uint64_t count, Written written) {
  if (first >= max_file_blocks || count > max_file_blocks - first) return fail(Error::TooBig);
  volume_.inodes().change(inode_);
  for (std::uint64_t at = first; at < first + count;) {
    const Mapping mapping = TRY(find(at));
    const std::uint64_t length = std::min(mapping.count, first + count - at);
    if (mapping.physical != 0) {
      at += length;
      continue;
    }
    const std::uint64_t goal =
        mapping.goal != 0 ? mapping.goal : volume_.allocator().goal_of_inode(inode_.number()) + at;
    const BlockRange range = TRY(volume_.allocator().allocate_blocks(goal, length));
    if (inode_.has_extents())
      TRY(tree_.insert({at, range.first, range.count, written}));
    else
      TRY(set_in_block_map(at, range));
    at += range.count;
  }
  return {};
}

Result<> FileMap::mark_written(std::uint64_t first, std::uint64_t count) {
  if (!inode_.has_extents()) return {};
  for (std::uint64_t at = first; at < first + count;) {
    const Mapping mapping = TRY(tree_.find(at));
    if (mapping.physical == 0) return fail(Error::IoError);
    const std::uint64_t length = std::min(mapping.count, first + count - at);
    if (mapping.written == Written::No) {
      volume_.inodes().change(inode_);
      TRY(tree_.mark_written(at, length));
    }
    at += length;
  }
  return {};
}

// Blocks of pointers stay, also where all that they point to is gone: truncation frees them. (ext2fs_punch() cannot
// be asked: of a map it takes away more than a range that ends before the file does.)
Result<> FileMap::remove_from_block_map(std::uint64_t first, std::uint64_t end) {
  for (std::uint64_t at = first; at < std::min(end, block_map_blocks);) {
    const Mapping mapping = TRY(find_in_block_map(at));
    const std::uint64_t count = std::min(mapping.count, end - at);
    for (std::uint64_t i = 0; mapping.physical != 0 && i < count; ++i) {
      blk64_t none = 0;
      TRY(check(ext2fs_bmap2(volume_.library(), inode_.number(), inode_.library_view(), nullptr, BMAP_SET, at + i,
                             nullptr, &none)));
    }
    if (mapping.physical != 0) {
      volume_.allocator().free_blocks({mapping.physical, count});
      subtract_blocks(volume_.library(), inode_, count);
    }
    at += count;
  }
  return {};
}

Result<bool> FileMap::remove(std::uint64_t first, std::uint64_t end) {
  if (first >= end) return true;
  volume_.inodes().change(inode_);
  if (inode_.has_extents()) return tree_.remove(first, std::min(end, no_end), volume_.extents_per_step());
  if (end < no_end)
    TRY(remove_from_block_map(first, end));
  else
    TRY(check(ext2fs_punch(volume_.library(), inode_.number(), inode_.library_view(), nullptr, first, ~0ULL)));
  return true;
}

}  // namespace ext4

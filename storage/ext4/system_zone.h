// SPDX-License-Identifier: Apache-2.0
// The blocks that belong to the file system itself: superblocks, group descriptors, bitmaps, inode tables. Nothing on
// the disk may claim them for a file, so a damaged map or bitmap cannot make us overwrite them.
#pragma once

#include <ext2fs/ext2fs.h>

#include <cstdint>

#include "kernel/base/array.h"
#include "kernel/base/error.h"

namespace ext4 {

struct BlockRange {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::uint64_t end() const { return first + count; }
};

class SystemZone {
 public:
  // Errors: Malformed (the descriptors point out of the file system, or at one another's blocks), NoMemory.
  base::Result<> build(ext2_filsys fs);

  // The range is inside the file system and free of its own blocks.
  bool is_data(std::uint64_t first, std::uint64_t count) const;
  std::uint64_t blocks() const { return blocks_; }

 private:
  base::Result<> add(std::uint64_t first, std::uint64_t count);
  base::Result<> add_group(ext2_filsys fs, dgrp_t group);
  base::Result<> merge();

  base::Array<BlockRange> ranges_;  // sorted, not touching one another
  std::uint64_t first_data_block_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t blocks_ = 0;
};

}  // namespace ext4

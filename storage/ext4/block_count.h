// SPDX-License-Identifier: Apache-2.0
// An inode's count of the blocks it occupies, which is kept in units of 512 bytes, or of blocks for huge files.
#pragma once

#include <ext2fs/ext2fs.h>

#include "kernel/base/error.h"
#include "storage/ext4/errors.h"
#include "storage/ext4/inode.h"

namespace ext4 {

inline base::Result<> add_blocks(ext2_filsys fs, Inode& inode, std::uint64_t blocks) {
  if (ext2fs_iblk_add_blocks(fs, inode.library_view(), blocks) != 0) return base::fail(base::Error::TooBig);
  return {};
}

// Never below zero, whatever the disk claims.
inline void subtract_blocks(ext2_filsys fs, Inode& inode, std::uint64_t blocks) {
  if (ext2fs_iblk_sub_blocks(fs, inode.library_view(), blocks) != 0) ext2fs_iblk_set(fs, inode.library_view(), 0);
}

}  // namespace ext4

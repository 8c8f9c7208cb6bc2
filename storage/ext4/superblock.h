// SPDX-License-Identifier: Apache-2.0
// What must be true of a superblock before libext2fs is let loose on the image: the features that this code knows,
// numbers that fit one another and the disk. A refusal is logged in words.
#pragma once

#include <ext2fs/ext2fs.h>

#include <cstdint>
#include <cstring>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "storage/block_store.h"

namespace ext4 {

struct Shape {
  std::uint32_t block_bytes = 0;
  std::uint64_t block_count = 0;
  bool clean = false;           // unmounted in order, without recorded errors
  bool needs_recovery = false;  // of the journal, before anything else is looked at
};

// Errors: Malformed (no ext4 file system, or a damaged superblock), NotSupported (features), IoError.
base::Result<Shape> inspect_superblock(storage::BlockStore& store);

// The start of the disk, in which the superblock lies.
base::Result<> read_start(storage::BlockStore& store, base::Array<std::byte>& start);

// Rewrites the superblock on the disk, ahead of a mount. It is there when this returns.
template <typename Change>
base::Result<> change_superblock(storage::BlockStore& store, const Change& change) {
  base::Array<std::byte> start;  // not on the stack, which the disk cannot reach
  TRY(read_start(store, start));
  ext2_super_block super;
  std::memcpy(&super, start.data() + SUPERBLOCK_OFFSET, sizeof(super));
  change(super);
  std::memcpy(start.data() + SUPERBLOCK_OFFSET, &super, sizeof(super));
  const storage::WriteSegment segment{0, start.span()};
  TRY(store.write({&segment, 1}));
  return store.flush();
}

}  // namespace ext4

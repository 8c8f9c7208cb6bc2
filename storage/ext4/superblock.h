// SPDX-License-Identifier: Apache-2.0
// What must be true of a superblock before libext2fs is let loose on the image: the features that this code knows,
// numbers that fit one another and the disk. A refusal is logged in words.
#pragma once

#include <cstdint>

#include "kernel/base/error.h"
#include "storage/block_store.h"

namespace ext4 {

struct Shape {
  std::uint32_t block_bytes = 0;
  std::uint64_t block_count = 0;
  bool clean = false;  // unmounted in order, without recorded errors
};

// Errors: Malformed (no ext4 file system, or a damaged superblock), NotSupported (features), IoError.
base::Result<Shape> inspect_superblock(storage::BlockStore& store);

}  // namespace ext4

// SPDX-License-Identifier: Apache-2.0
// libext2fs's way to the disk: an io_manager whose channels read from a BlockCache and write into its transaction.
#pragma once

#include <ext2fs/ext2fs.h>

#include <array>

#include "storage/ext4/block_cache.h"

namespace ext4 {

io_manager cache_io_manager();

// The library opens a channel by name; this is the name of a cache.
using ChannelName = std::array<char, 20>;
ChannelName channel_name(BlockCache& cache);

}  // namespace ext4

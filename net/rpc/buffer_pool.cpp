// SPDX-License-Identifier: Apache-2.0
// Equal buffers cut out of registered blocks: see buffer_pool.h.
#include "net/rpc/buffer_pool.h"

#include <algorithm>

#include "kernel/base/types.h"

namespace rpc {

Result<> BufferPool::allocate(BufferMemory& memory, std::uint16_t count, std::uint32_t bytes_each) {
  LEGO_ASSERT(buffers_.empty() && bytes_each > 0 && bytes_each <= BufferMemory::max_block_bytes);
  memory_ = &memory;
  const std::uint32_t per_block = BufferMemory::max_block_bytes / bytes_each;
  TRY(buffers_.reserve(count));
  TRY(blocks_.reserve((count + per_block - 1) / per_block));
  while (buffers_.size() < count) {
    const auto cut = std::min<std::uint32_t>(per_block, count - static_cast<std::uint32_t>(buffers_.size()));
    const auto bytes = static_cast<std::uint32_t>(base::round_up(std::uint64_t{cut} * bytes_each, base::page_bytes));
    auto block = memory.allocate(bytes);
    if (!block) {
      release();
      return base::fail(block.error());
    }
    TRY(blocks_.push_back(*block));  // cannot fail: reserved
    for (std::uint32_t i = 0; i < cut; ++i) {
      TRY(buffers_.push_back({block->address + std::size_t{i} * bytes_each, bytes_each, block->lkey}));
    }
  }
  return {};
}

void BufferPool::release() {
  buffers_.clear();
  for (const Buffer& block : blocks_) memory_->free(block);
  blocks_.clear();
}

}  // namespace rpc

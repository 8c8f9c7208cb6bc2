// SPDX-License-Identifier: Apache-2.0
// Equal buffers cut out of registered blocks: the receive and send buffers of one session. Lives as long as the
// session, not as long as its queue pair.
#pragma once

#include "net/rpc/buffers.h"

namespace rpc {

class BufferPool {
 public:
  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool() { release(); }

  // All or nothing. bytes_each is at most BufferMemory::max_block_bytes.
  Result<> allocate(BufferMemory& memory, std::uint16_t count, std::uint32_t bytes_each);
  void release();

  std::uint16_t count() const { return static_cast<std::uint16_t>(buffers_.size()); }
  const Buffer& operator[](std::uint16_t index) const { return buffers_[index]; }

 private:
  BufferMemory* memory_ = nullptr;
  base::Array<Buffer> blocks_;
  base::Array<Buffer> buffers_;
};

}  // namespace rpc

// SPDX-License-Identifier: Apache-2.0
// Memory for the contents of cached blocks, in chunks that are kept and used again: blocks of exactly their size, and
// in one piece for the disk's sake.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/base/array.h"
#include "kernel/base/platform.h"

namespace storage {

class BlockMemory {
 public:
  explicit BlockMemory(std::uint32_t block_bytes) : block_bytes_(block_bytes) {}
  BlockMemory(const BlockMemory&) = delete;
  BlockMemory& operator=(const BlockMemory&) = delete;
  ~BlockMemory() {
    for (std::byte* chunk : chunks_) base::platform::deallocate(chunk);
  }

  // nullptr when there is none.
  std::byte* allocate() {
    if (free_ == nullptr && !add_chunk()) return nullptr;
    FreeBlock* block = free_;
    free_ = block->next;
    return reinterpret_cast<std::byte*>(block);
  }
  void free(std::byte* block) {
    if (block != nullptr) give(block);
  }

 private:
  struct FreeBlock {
    FreeBlock* next;
  };
  static constexpr std::size_t chunk_bytes = 128 * 1024;

  void give(std::byte* block) { free_ = ::new (block) FreeBlock{free_}; }
  bool add_chunk() {
    if (!chunks_.reserve(chunks_.size() + 1)) return false;
    auto* chunk = static_cast<std::byte*>(base::platform::allocate(chunk_bytes));
    if (chunk == nullptr) return false;
    if (!chunks_.push_back(chunk)) return false;  // there is room
    for (std::size_t at = 0; at < chunk_bytes; at += block_bytes_) give(chunk + at);
    return true;
  }

  const std::uint32_t block_bytes_;
  base::Array<std::byte*> chunks_;
  FreeBlock* free_ = nullptr;
};

}  // namespace storage

// SPDX-License-Identifier: Apache-2.0
// Equal buffers in one contiguous piece of device memory, placed so that no two of them are a power of two apart: the
// distance is an odd number of cache lines and no whole number of pages. Buffers at such distances share cache sets on
// silicon, and entries of the direct-mapped software TLB under emulation, where copying between two of them is ten
// times slower.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "kernel/base/assert.h"
#include "kernel/device/dma.h"

namespace device {

inline constexpr std::size_t cache_line_bytes = 64;

// The distance between buffers of `bytes` bytes.
constexpr std::size_t staggered_stride(std::size_t bytes) {
  const std::size_t lines = (bytes + cache_line_bytes - 1) / cache_line_bytes;
  return (lines | 1) * cache_line_bytes;
}

class BufferPool {
 public:
  static base::Result<BufferPool> create(DmaMemory& memory, std::size_t count, std::size_t bytes) {
    BufferPool pool(memory, count, bytes);
    pool.memory_ = TRY(memory.allocate(count * pool.stride_));
    pool.address_ = memory.address_of(pool.memory_.data());
    return pool;
  }
  BufferPool(BufferPool&& other) noexcept
      : owner_(other.owner_),
        count_(other.count_),
        bytes_(other.bytes_),
        stride_(other.stride_),
        memory_(std::exchange(other.memory_, {})),
        address_(other.address_) {}
  BufferPool& operator=(BufferPool&&) = delete;
  ~BufferPool() {
    if (!memory_.empty()) owner_->release(memory_);
  }

  std::size_t count() const { return count_; }
  std::span<std::byte> operator[](std::size_t index) const {
    LEGO_ASSERT(index < count_);
    return memory_.subspan(index * stride_, bytes_);
  }
  base::PhysAddr address(std::size_t index) const { return address_ + index * stride_; }

 private:
  BufferPool(DmaMemory& owner, std::size_t count, std::size_t bytes)
      : owner_(&owner), count_(count), bytes_(bytes), stride_(staggered_stride(bytes)) {}

  DmaMemory* owner_;
  std::size_t count_;
  std::size_t bytes_;
  std::size_t stride_;
  std::span<std::byte> memory_{};
  base::PhysAddr address_{};
};

}  // namespace device

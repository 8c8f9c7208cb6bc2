// SPDX-License-Identifier: Apache-2.0
// Registered buffers that answers are read into before they are written into the requester's memory. There are a few;
// who finds none waits.
#pragma once

#include <span>
#include <utility>

#include "kernel/base/array.h"
#include "kernel/base/async.h"
#include "kernel/base/task.h"
#include "net/rpc/buffers.h"

namespace storage {

class StagingPool {
 public:
  static constexpr std::uint32_t buffer_bytes = rpc::BufferMemory::max_block_bytes;

  StagingPool(base::EventLoop& loop, rpc::BufferMemory& memory) : memory_(memory), returned_(loop) {}
  StagingPool(const StagingPool&) = delete;
  StagingPool& operator=(const StagingPool&) = delete;
  ~StagingPool() {
    for (const rpc::Buffer& buffer : free_) memory_.free(buffer);
  }
  base::Result<> initialize(std::size_t count) {
    TRY(free_.reserve(count));
    while (free_.size() < count) {
      const rpc::Buffer buffer = TRY(memory_.allocate(buffer_bytes));
      TRY(free_.push_back(buffer));  // there is room
    }
    return {};
  }

  // Goes back to the pool with its owner.
  class Lease {
   public:
    Lease(StagingPool& pool, const rpc::Buffer& buffer) : pool_(&pool), buffer_(buffer) {}
    Lease(Lease&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), buffer_(other.buffer_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_ != nullptr) pool_->give(buffer_);
    }
    std::span<std::byte> bytes() const { return {buffer_.address, buffer_.bytes}; }
    verbs::Sge piece(std::uint32_t bytes) const {
      return {reinterpret_cast<std::uint64_t>(buffer_.address), bytes, buffer_.lkey};
    }

   private:
    StagingPool* pool_;
    rpc::Buffer buffer_;
  };

  base::Task<Lease> take() {
    while (free_.empty()) co_await returned_.wait();
    const rpc::Buffer buffer = free_.back();
    free_.pop_back();
    co_return Lease(*this, buffer);
  }

 private:
  void give(const rpc::Buffer& buffer) {
    LEGO_ASSERT(free_.push_back(buffer).has_value());  // it came from here, so there is room
    returned_.wake_all();
  }

  rpc::BufferMemory& memory_;
  base::Array<rpc::Buffer> free_;
  base::AsyncCondition returned_;
};

}  // namespace storage

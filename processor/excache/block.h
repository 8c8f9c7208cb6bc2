// SPDX-License-Identifier: Apache-2.0
// A fixed number of objects that never move, from the heap in one piece (base::Array moves what it holds).
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <utility>

#include "kernel/base/assert.h"
#include "kernel/base/error.h"
#include "kernel/base/platform.h"

namespace excache {

template <typename T>
class Block {
 public:
  Block() = default;
  Block(Block&& other) noexcept : items_(std::exchange(other.items_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Block& operator=(Block&& other) noexcept {
    std::swap(items_, other.items_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Block() {
    for (T& item : *this) item.~T();
    base::platform::deallocate(items_);
  }

  static base::Result<Block> create(std::size_t size) {
    static_assert(alignof(T) <= 16);
    Block block;
    block.items_ = static_cast<T*>(base::platform::allocate(size * sizeof(T)));
    if (block.items_ == nullptr) return base::fail(base::Error::NoMemory);
    for (; block.size_ < size; ++block.size_) ::new (block.items_ + block.size_) T();
    return block;
  }

  std::size_t size() const { return size_; }
  T* data() { return items_; }
  const T* data() const { return items_; }
  T* begin() { return items_; }
  T* end() { return items_ + size_; }
  T& operator[](std::size_t index) {
    LEGO_ASSERT(index < size_);
    return items_[index];
  }

 private:
  T* items_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace excache

// SPDX-License-Identifier: Apache-2.0
// A growable array whose growth can fail politely (std::vector throws).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "kernel/base/assert.h"
#include "kernel/base/error.h"
#include "kernel/base/platform.h"

namespace base {

template <typename T>
class Array {
  static_assert(alignof(T) <= 16 && std::is_nothrow_move_constructible_v<T>);

 public:
  Array() = default;
  Array(Array&& other) noexcept
      : items_(std::exchange(other.items_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Array& operator=(Array&& other) noexcept {
    Array taken(std::move(other));
    std::swap(items_, taken.items_);
    std::swap(size_, taken.size_);
    std::swap(capacity_, taken.capacity_);
    return *this;
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() {
    clear();
    platform::deallocate(items_);
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return items_; }
  const T* data() const { return items_; }
  T* begin() { return items_; }
  T* end() { return items_ + size_; }
  const T* begin() const { return items_; }
  const T* end() const { return items_ + size_; }
  T& operator[](std::size_t index) {
    LEGO_ASSERT(index < size_);
    return items_[index];
  }
  const T& operator[](std::size_t index) const {
    LEGO_ASSERT(index < size_);
    return items_[index];
  }
  T& back() { return (*this)[size_ - 1]; }
  std::span<T> span() { return {items_, size_}; }
  std::span<const T> span() const { return {items_, size_}; }

  [[nodiscard]] Result<> reserve(std::size_t capacity) {
    if (capacity <= capacity_) return {};
    if (capacity > SIZE_MAX / sizeof(T)) return fail(Error::NoMemory);
    auto* items = static_cast<T*>(platform::allocate(capacity * sizeof(T)));
    if (items == nullptr) return fail(Error::NoMemory);
    for (std::size_t i = 0; i < size_; ++i) {
      ::new (items + i) T(std::move(items_[i]));
      items_[i].~T();
    }
    platform::deallocate(items_);
    items_ = items;
    capacity_ = capacity;
    return {};
  }
  [[nodiscard]] Result<> push_back(T item) {
    if (size_ == capacity_) TRY(reserve(capacity_ == 0 ? 8 : capacity_ * 2));
    ::new (items_ + size_) T(std::move(item));
    ++size_;
    return {};
  }
  [[nodiscard]] Result<> insert(std::size_t index, T item) {
    LEGO_ASSERT(index <= size_);
    TRY(push_back(std::move(item)));
    for (std::size_t i = size_ - 1; i > index; --i) std::swap(items_[i], items_[i - 1]);
    return {};
  }
  [[nodiscard]] Result<> resize(std::size_t size) {
    TRY(reserve(size));
    while (size_ < size) ::new (items_ + size_++) T();
    if (size_ > size) truncate(size);
    return {};
  }
  [[nodiscard]] Result<> append(std::span<const T> items) requires std::is_copy_constructible_v<T> {
    if (size_ + items.size() > capacity_) {
      const std::size_t doubled = capacity_ * 2;
      TRY(reserve(size_ + items.size() > doubled ? size_ + items.size() : doubled));
    }
    for (const T& item : items) ::new (items_ + size_++) T(item);
    return {};
  }
  void truncate(std::size_t size) {
    while (size_ > size) pop_back();
  }
  void pop_back() {
    LEGO_ASSERT(size_ > 0);
    items_[--size_].~T();
  }
  void erase(std::size_t index) {
    LEGO_ASSERT(index < size_);
    for (std::size_t i = index; i + 1 < size_; ++i) items_[i] = std::move(items_[i + 1]);
    pop_back();
  }
  void clear() {
    while (size_ > 0) pop_back();
  }

 private:
  T* items_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace base

// SPDX-License-Identifier: Apache-2.0
// Ownership. make<T>() returns null instead of throwing; Own<T> is a unique owner. Objects on hot paths come from typed
// caches instead.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "kernel/base/error.h"
#include "kernel/base/platform.h"

namespace base {

template <typename T>
class Own {
 public:
  Own() = default;
  Own(std::nullptr_t) {}
  explicit Own(T* object) : object_(object) {}
  Own(Own&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <typename Derived>
  requires std::is_convertible_v<Derived*, T*> Own(Own<Derived>&& other)
  noexcept : object_(other.release()) { static_assert(std::is_same_v<T, Derived> || std::has_virtual_destructor_v<T>); }
  Own& operator=(Own&& other) noexcept {
    Own taken(std::move(other));
    std::swap(object_, taken.object_);
    return *this;
  }
  Own(const Own&) = delete;
  Own& operator=(const Own&) = delete;
  ~Own() { reset(); }

  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  T* release() { return std::exchange(object_, nullptr); }
  void reset() {
    if (T* object = release()) {
      object->~T();
      platform::deallocate(object);
    }
  }

 private:
  T* object_ = nullptr;
};

// nullptr when there is no memory.
template <typename T, typename... Arguments>
Own<T> make(Arguments&&... arguments) {
  static_assert(alignof(T) <= 16);
  void* memory = platform::allocate(sizeof(T));
  if (memory == nullptr) return nullptr;
  return Own<T>(::new (memory) T(std::forward<Arguments>(arguments)...));
}

template <typename T, typename... Arguments>
Result<Own<T>> try_make(Arguments&&... arguments) {
  Own<T> object = make<T>(std::forward<Arguments>(arguments)...);
  if (!object) return fail(Error::NoMemory);
  return object;
}

}  // namespace base

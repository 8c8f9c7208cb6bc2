// SPDX-License-Identifier: Apache-2.0
// Shared ownership with the count inside the object. When the last reference goes, T::last_reference_gone() is called
// once, on the thread that dropped it; it may hand the object to somebody who can sleep.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "kernel/base/assert.h"

namespace processor {

class Counted {
 public:
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 protected:
  Counted() = default;
  ~Counted() = default;

 private:
  template <typename T>
  friend struct CountedReferences;
  std::atomic<std::uint32_t> references_{0};
};

// Counting inside the object.
template <typename T>
struct CountedReferences {
  static void take(T& object) {
    // relaxed: whoever makes a new reference has one, or the lock of the table that the object is found by.
    object.references_.fetch_add(1, std::memory_order_relaxed);
  }
  // For tables that do not hold a reference themselves: false if the last one is gone already.
  static bool try_take(T& object) {
    std::uint32_t count = object.references_.load(std::memory_order_relaxed);
    while (count != 0)
      if (object.references_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) return true;
    return false;
  }
  // A snapshot: for whoever knows that all other references are still (linux-abi's sockets in flight).
  static std::uint32_t count(const T& object) { return object.references_.load(std::memory_order_acquire); }
  static void drop(T& object) {
    // acq_rel: what others did with the object happens before its end.
    if (object.references_.fetch_sub(1, std::memory_order_acq_rel) == 1) object.last_reference_gone();
  }
};

// How references to a T are counted. Specialised (declared beside T, defined where T is, by CountedReferences) for types
// that others see only by name.
template <typename T>
struct ReferenceCount : CountedReferences<T> {};

// May be empty (moved from, or default); dereferencing an empty one is our mistake.
template <typename T>
class Reference {
 public:
  Reference() = default;
  explicit Reference(T& object) : object_(&object) { ReferenceCount<T>::take(object); }
  // Takes over a reference that was counted already (ReferenceCount::try_take).
  static Reference adopt(T& object) {
    Reference reference;
    reference.object_ = &object;
    return reference;
  }
  Reference(const Reference& other) : object_(other.object_) {
    if (object_ != nullptr) ReferenceCount<T>::take(*object_);
  }
  Reference(Reference&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Reference& operator=(Reference other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Reference() { reset(); }

  explicit operator bool() const { return object_ != nullptr; }
  T* get() const { return object_; }
  T& operator*() const {
    LEGO_ASSERT(object_ != nullptr);
    return *object_;
  }
  T* operator->() const { return &**this; }
  bool operator==(const Reference&) const = default;

  void reset() {
    if (T* object = std::exchange(object_, nullptr)) ReferenceCount<T>::drop(*object);
  }

 private:
  T* object_ = nullptr;
};

}  // namespace processor

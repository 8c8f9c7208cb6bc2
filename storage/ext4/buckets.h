// SPDX-License-Identifier: Apache-2.0
// The bucket array of an intrusive hash table, which must not move and whose elements cannot be copied.
#pragma once

#include <cstddef>
#include <new>

#include "kernel/base/error.h"
#include "kernel/base/platform.h"

namespace ext4 {

template <typename Bucket>
class Buckets {
 public:
  Buckets() = default;
  Buckets(const Buckets&) = delete;
  Buckets& operator=(const Buckets&) = delete;
  ~Buckets() {
    for (std::size_t i = 0; i < count_; ++i) buckets_[i].~Bucket();
    base::platform::deallocate(buckets_);
  }
  // Once. A power of two.
  base::Result<> initialize(std::size_t count) {
    buckets_ = static_cast<Bucket*>(base::platform::allocate(count * sizeof(Bucket)));
    if (buckets_ == nullptr) return base::fail(base::Error::NoMemory);
    while (count_ < count) ::new (buckets_ + count_++) Bucket();
    return {};
  }
  Bucket* data() { return buckets_; }
  std::size_t size() const { return count_; }

 private:
  Bucket* buckets_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace ext4

// SPDX-License-Identifier: Apache-2.0
// Bytes in a ring that grows as they come; what limits them is who puts them in. Pure, no lock.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include "kernel/base/array.h"

namespace linux_abi {

class ByteQueue {
 public:
  std::size_t size() const { return used_; }
  bool empty() const { return used_ == 0; }

  // NoMemory: nothing was put in.
  base::Result<> put(std::span<const std::byte> from) {
    if (from.size() > ring_.size() - used_) TRY(grow(used_ + from.size()));
    const std::size_t end = (start_ + used_) % std::max<std::size_t>(ring_.size(), 1);
    const std::size_t first = std::min(from.size(), ring_.size() - end);
    if (first > 0) std::memcpy(ring_.data() + end, from.data(), first);
    if (first < from.size()) std::memcpy(ring_.data(), from.data() + first, from.size() - first);
    used_ += from.size();
    return {};
  }
  // From `skip` bytes behind the first on.
  std::size_t peek(std::span<std::byte> to, std::size_t skip = 0) const {
    if (skip >= used_) return 0;
    const std::size_t start = (start_ + skip) % ring_.size();
    const std::size_t count = std::min(to.size(), used_ - skip);
    const std::size_t first = std::min(count, ring_.size() - start);
    if (first > 0) std::memcpy(to.data(), ring_.data() + start, first);
    if (first < count) std::memcpy(to.data() + first, ring_.data(), count - first);
    return count;
  }
  std::size_t take(std::span<std::byte> to) {
    const std::size_t count = peek(to);
    used_ -= count;
    start_ = used_ == 0 ? 0 : (start_ + count) % ring_.size();
    return count;
  }
  // The memory too.
  void clear() {
    ring_ = {};
    start_ = used_ = 0;
  }

 private:
  base::Result<> grow(std::size_t bytes) {
    constexpr std::size_t smallest = 1024;
    base::Array<std::byte> larger;
    TRY(larger.resize(std::max({smallest, bytes, ring_.size() * 2})));
    peek(larger.span());
    ring_ = std::move(larger);
    start_ = 0;
    return {};
  }

  base::Array<std::byte> ring_;
  std::size_t start_ = 0, used_ = 0;
};

}  // namespace linux_abi

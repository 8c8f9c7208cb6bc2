// SPDX-License-Identifier: Apache-2.0
// What of its memory a process has locked (mlock(2)): ranges that neither touch nor overlap, in rising order. Pages
// cannot be held in the ExCache; what is kept is the account that limits and /proc/PID/status go by. Pure; guarded by
// its owner's lock.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernel/base/array.h"

namespace linux_abi {

class LockedMemory {
 public:
  struct Range {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
  };

  std::uint64_t bytes() const {
    std::uint64_t all = 0;
    for (const Range& range : ranges_) all += range.end - range.start;
    return all;
  }
  // How much of it is locked by now.
  std::uint64_t bytes_in(Range asked) const {
    std::uint64_t all = 0;
    for (const Range& range : ranges_) {
      const std::uint64_t start = std::max(range.start, asked.start), end = std::min(range.end, asked.end);
      if (start < end) all += end - start;
    }
    return all;
  }
  // The first address after `at` from which on it is otherwise; ~0: none.
  std::uint64_t next_change(std::uint64_t at) const {
    for (const Range& range : ranges_) {
      if (range.start > at) return range.start;
      if (range.end > at) return range.end;
    }
    return ~std::uint64_t{0};
  }
  // NoMemory.
  base::Result<> add(Range added) {
    if (added.start >= added.end) return {};
    TRY(ranges_.reserve(ranges_.size() + 1));
    std::size_t at = 0;
    while (at < ranges_.size()) {
      const Range& range = ranges_[at];
      if (range.end < added.start) {
        ++at;
      } else if (range.start > added.end) {
        break;
      } else {
        added = {std::min(range.start, added.start), std::max(range.end, added.end)};
        ranges_.erase(at);
      }
    }
    return ranges_.insert(at, added);
  }
  // NoMemory when a range would have to be split and there is no room for it.
  base::Result<> remove(Range gone) {
    TRY(ranges_.reserve(ranges_.size() + 1));
    for (std::size_t i = 0; i < ranges_.size();) {
      const Range range = ranges_[i];
      if (range.end <= gone.start || range.start >= gone.end) {
        ++i;
        continue;
      }
      ranges_.erase(i);
      if (range.start < gone.start) TRY(ranges_.insert(i++, {range.start, gone.start}));
      if (gone.end < range.end) TRY(ranges_.insert(i++, {gone.end, range.end}));
    }
    return {};
  }
  void clear() { ranges_.clear(); }
  bool empty() const { return ranges_.empty(); }

 private:
  base::Array<Range> ranges_;
};

}  // namespace linux_abi

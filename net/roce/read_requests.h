// SPDX-License-Identifier: Apache-2.0
// The READs and atomics of a connection that are asked for and not fully answered, by the PSN after the last of each
// answer: the peer bounds their number.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/base/assert.h"
#include "net/roce/limits.h"
#include "net/roce/psn.h"

namespace roce {

class ReadRequests {
 public:
  std::uint32_t count() const { return count_; }
  void add(Psn end) {
    LEGO_ASSERT(count_ < ends_.size());
    ends_[(head_ + count_++) % ends_.size()] = end;
  }
  // Everything before `una` has come.
  void answered(Psn una) {
    while (count_ > 0 && psn_distance(una, ends_[head_]) >= 0) {
      head_ = (head_ + 1) % ends_.size();
      --count_;
    }
  }
  void clear() { count_ = 0; }

 private:
  std::array<Psn, limits::reads> ends_{};
  std::size_t head_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace roce

// SPDX-License-Identifier: Apache-2.0
// A number that one core at a time adds to (its lock, or the poll gate, sees to that) and any core may read.
#pragma once

#include <atomic>
#include <cstdint>

namespace device {

class Counter {
 public:
  // Relaxed: nothing is inferred from a counter about other memory.
  void add(std::uint64_t amount = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace device

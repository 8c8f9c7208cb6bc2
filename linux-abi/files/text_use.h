// SPDX-License-Identifier: Apache-2.0
// Who uses a regular file as a program, and who may write to it: never both (ETXTBSY). Counts opens, not mappings.
#pragma once

#include <atomic>

#include "linux-abi/abi/errno.h"

namespace linux_abi {

class TextUse {
 public:
  Answer<> begin_writing() { return begin(1); }
  void end_writing() { count_.fetch_sub(1, std::memory_order_relaxed); }
  Answer<> begin_executing() { return begin(-1); }
  void end_executing() { count_.fetch_add(1, std::memory_order_relaxed); }
  bool is_executed() const { return count_.load(std::memory_order_relaxed) < 0; }
  bool is_written() const { return count_.load(std::memory_order_relaxed) > 0; }

 private:
  // relaxed: it decides who may go on, and orders nothing.
  Answer<> begin(int step) {
    int count = count_.load(std::memory_order_relaxed);
    do {
      if (count * step < 0) return error(ETXTBSY);
    } while (!count_.compare_exchange_weak(count, count + step, std::memory_order_relaxed));
    return {};
  }

  std::atomic<int> count_{0};  // above 0: writers; below: programs
};

}  // namespace linux_abi

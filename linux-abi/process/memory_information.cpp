// SPDX-License-Identifier: Apache-2.0
// How much memory a vNode sees: see memory_information.h.
#include "linux-abi/process/memory_information.h"

#include <atomic>

namespace linux_abi {
namespace {
std::atomic<std::uint64_t> total{0}, free_now{0};  // relaxed: two numbers for display
}

MemoryInformation memory_information() {
  return {total.load(std::memory_order_relaxed), free_now.load(std::memory_order_relaxed)};
}

void set_memory_information(const MemoryInformation& information) {
  total.store(information.total_bytes, std::memory_order_relaxed);
  free_now.store(information.free_bytes, std::memory_order_relaxed);
}

}  // namespace linux_abi

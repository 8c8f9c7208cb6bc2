// SPDX-License-Identifier: Apache-2.0
// 16 pages of anonymous memory: mapped, each written to once, unmapped.
#include <sys/mman.h>

#include "tools/bench/abi_program/benchmark.h"

namespace abi_bench {
namespace {

class MapTouchUnmap final : public Benchmark {
 public:
  void perform(std::uint64_t times) override {
    constexpr std::size_t page_bytes = 4096, bytes = 16 * page_bytes;
    for (; times != 0; --times) {
      void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      check(memory != MAP_FAILED, "mmap");
      for (std::size_t at = 0; at < bytes; at += page_bytes) static_cast<volatile char*>(memory)[at] = 1;
      check(munmap(memory, bytes) == 0, "munmap");
    }
  }
};

}  // namespace

std::unique_ptr<Benchmark> map_touch_unmap() { return std::make_unique<MapTouchUnmap>(); }

}  // namespace abi_bench

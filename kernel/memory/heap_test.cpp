// SPDX-License-Identifier: Apache-2.0
// The heap over aligned_alloc: alignment, separation, and pages that go back.
#include "kernel/memory/heap.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <set>
#include <vector>

#include "kernel/base/random.h"
#include "kernel/base/types.h"

namespace kernel {
namespace {

class HostPages : public PageSource {
 public:
  void* allocate_pages(std::uint64_t count) override {
    if (count > left) return nullptr;
    left -= count;
    return *live_.insert(std::aligned_alloc(base::page_bytes, count * base::page_bytes)).first;
  }
  void free_pages(void* first, std::uint64_t count) override {
    left += count;
    ASSERT_EQ(live_.erase(first), 1u);
    std::free(first);
  }
  ~HostPages() {
    for (void* pages : live_) std::free(pages);
  }
  std::uint64_t left = 1 << 20;

 private:
  std::set<void*> live_;
};

TEST(Heap, BlocksOfEverySizeAreAlignedAndApart) {
  HostPages pages;
  Heap heap(pages);
  struct Block {
    unsigned char* memory;
    std::size_t bytes;
  };
  std::vector<Block> blocks;
  for (std::size_t bytes = 0; bytes < 9000; bytes += bytes < 300 ? 1 : 97) {
    auto* memory = static_cast<unsigned char*>(heap.allocate(bytes));
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 16, 0u);
    std::memset(memory, static_cast<int>(bytes % 251), bytes);
    blocks.push_back({memory, bytes});
  }
  for (const Block& block : blocks) {
    for (std::size_t i = 0; i < block.bytes; ++i) ASSERT_EQ(block.memory[i], block.bytes % 251);
    heap.deallocate(block.memory);
  }
  EXPECT_LE(heap.pages(), 14u) << "at most one empty slab per size class is kept";
}

TEST(Heap, RandomUseReturnsItsPages) {
  HostPages pages;
  Heap heap(pages);
  base::Random random(7);
  struct Block {
    unsigned char* memory;
    std::size_t bytes;
    unsigned char fill;
  };
  std::vector<Block> blocks;
  for (int step = 0; step < 50000; ++step) {
    if (random.chance(520000)) {
      const std::size_t bytes = random.chance(950000) ? random.below(2500) : random.below(40000);
      auto* memory = static_cast<unsigned char*>(heap.allocate(bytes));
      ASSERT_NE(memory, nullptr);
      const auto fill = static_cast<unsigned char>(random.next());
      std::memset(memory, fill, bytes);
      blocks.push_back({memory, bytes, fill});
    } else if (!blocks.empty()) {
      const std::size_t index = random.below(blocks.size());
      for (std::size_t i = 0; i < blocks[index].bytes; ++i) ASSERT_EQ(blocks[index].memory[i], blocks[index].fill);
      heap.deallocate(blocks[index].memory);
      blocks[index] = blocks.back();
      blocks.pop_back();
    }
  }
  for (const Block& block : blocks) heap.deallocate(block.memory);
  EXPECT_LE(heap.pages(), 14u);
  EXPECT_EQ(pages.left, (1u << 20) - heap.pages());
}

TEST(Heap, SaysNoWhenThereAreNoPages) {
  HostPages pages;
  pages.left = 1;
  Heap heap(pages);
  EXPECT_EQ(heap.allocate(5000), nullptr);
  EXPECT_EQ(heap.allocate(~std::size_t{0}), nullptr);
  EXPECT_EQ(heap.allocate(~std::size_t{0} - 4096), nullptr);
  void* first = heap.allocate(2016);
  void* second = heap.allocate(2016);
  EXPECT_NE(first, nullptr);
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(heap.allocate(2016), nullptr);
  heap.deallocate(first);
  EXPECT_EQ(heap.allocate(2000), first);
  heap.deallocate(first);
  heap.deallocate(second);
}

}  // namespace
}  // namespace kernel

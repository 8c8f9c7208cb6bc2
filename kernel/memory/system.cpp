// SPDX-License-Identifier: Apache-2.0
// The component's one frame allocator and heap.
#include "kernel/memory/frames.h"
#include "kernel/memory/heap.h"
#include "kernel/memory/layout.h"

namespace kernel {
namespace {

FrameAllocator system_frames(direct_map_base);
FramePool own_pool;

class FramePages final : public PageSource {
 public:
  void* allocate_pages(std::uint64_t count) override {
    const auto first = system_frames.allocate(own_pool, FrameKind::Kernel, count);
    return first ? direct_map(*first) : nullptr;
  }
  void free_pages(void* first, std::uint64_t count) override {
    system_frames.free(own_pool, physical_address(first), count);
  }
};
FramePages heap_pages;
Heap system_heap(heap_pages);

}  // namespace

FrameAllocator& frames() { return system_frames; }
FramePool& kernel_pool() { return own_pool; }
Heap& heap() { return system_heap; }

}  // namespace kernel

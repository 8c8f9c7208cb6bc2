// SPDX-License-Identifier: Apache-2.0
// The simulated machine's memory, and kernel/memory over it: a frame is a page of the host's heap. Its physical address
// is what the direct map has to be added to, so the kernel's own arithmetic finds it; it fits an entry of a page table,
// because the host's addresses have 47 bits.
#include <cstdlib>
#include <cstring>

#include "kernel/memory/frames.h"
#include "kernel/memory/kernel_map.h"
#include "tests/sim/machine.h"
#include "tests/sim/report.h"

namespace sim {

base::Result<base::PhysAddr> Machine::allocate_frames(std::uint64_t count) {
  void* memory = std::aligned_alloc(base::page_bytes, count * base::page_bytes);
  if (memory == nullptr) return base::fail(base::Error::NoMemory);
  const base::PhysAddr first = kernel::physical_address(memory);
  frames_[first.value()] = count;
  frames_in_use_ += count;
  return first;
}

void Machine::free_frames(base::PhysAddr first, std::uint64_t count) {
  const auto found = frames_.find(first.value());
  require(found != frames_.end() && found->second == count, "frames are freed that were not allocated so");
  frames_.erase(found);
  frames_in_use_ -= count;
  std::free(kernel::direct_map(first));
}

namespace {

class Tables final : public arch::TableSource {
 public:
  base::Result<base::PhysAddr> allocate_table() override {
    const base::PhysAddr table = TRY(Machine::get().allocate_frames(1));
    std::memset(kernel::direct_map(table), 0, base::page_bytes);
    return table;
  }
  void free_table(base::PhysAddr table) override { Machine::get().free_frames(table, 1); }
};

}  // namespace
}  // namespace sim

namespace kernel {

FrameAllocator& frames() {
  static FrameAllocator allocator(direct_map_base);
  return allocator;
}
FramePool& kernel_pool() {
  static FramePool pool;
  return pool;
}

base::Result<base::PhysAddr> FrameAllocator::allocate(FramePool&, FrameKind, std::uint64_t count) {
  return sim::Machine::get().allocate_frames(count);
}
void FrameAllocator::free(FramePool&, base::PhysAddr first, std::uint64_t count) {
  sim::Machine::get().free_frames(first, count);
}

arch::TableSource& kernel_tables() {
  static sim::Tables tables;
  return tables;
}
base::Result<base::PhysAddr> make_user_root(arch::TableSource& source) { return source.allocate_table(); }

}  // namespace kernel

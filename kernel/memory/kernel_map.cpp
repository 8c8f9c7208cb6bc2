// SPDX-License-Identifier: Apache-2.0
// The kernel's page table at run time: see kernel_map.h. Addresses are handed out upwards by atomic counters; the
// editing itself needs no lock (paging.h). Free stacks are linked through their own top words.
#include "kernel/memory/kernel_map.h"

#include <atomic>
#include <cstring>

#include "kernel/base/assert.h"
#include "kernel/base/spinlock.h"
#include "kernel/memory/frames.h"

namespace kernel {
namespace {

using arch::PageRights;
using base::PhysAddr;

class FrameTables : public arch::TableSource {
 public:
  base::Result<PhysAddr> allocate_table() override {
    const PhysAddr table = TRY(frames().allocate(kernel_pool(), FrameKind::Kernel));
    std::memset(direct_map(table), 0, base::page_bytes);
    return table;
  }
  void free_table(PhysAddr table) override { frames().free(kernel_pool(), table); }
};

FrameTables frame_tables;
PhysAddr root;
// Of the address ranges of layout.h; relaxed: the numbers order nothing.
std::atomic<std::uint64_t> device_bytes_used{0};
std::atomic<std::uint64_t> stack_bytes_used{0};
base::SpinLock stack_lock{base::LockRank::Frames};  // guards free_stack and the links
std::uintptr_t free_stack = 0;                      // bottom of the first free one; 0: none

arch::PageTable kernel_table() { return {root, arch::DirectMapAccess(frame_tables, direct_map_base)}; }

std::uintptr_t& next_free(std::uintptr_t bottom) { return *reinterpret_cast<std::uintptr_t*>(bottom); }

base::Result<KernelStack> make_stack() {
  // Strides of a power of two would make all stacks compete for the same lines of caches and TLBs.
  constexpr std::uint64_t stride = kernel_stack_bytes + base::page_bytes;
  const std::uint64_t offset = stack_bytes_used.fetch_add(stride, std::memory_order_relaxed);
  if (offset + stride > stack_map_bytes) return base::fail(base::Error::Exhausted);
  const KernelStack stack{stack_map_base + offset + base::page_bytes};
  constexpr std::uint64_t pages = kernel_stack_bytes / base::page_bytes;
  const PhysAddr memory = TRY(frames().allocate(kernel_pool(), FrameKind::Kernel, pages));
  // On failure the addresses are lost, and the tables made so far stay: there is room for millions.
  if (auto mapped =
          kernel_table().map_range(stack.bottom, memory, kernel_stack_bytes, PageRights::Write | PageRights::Global);
      !mapped) {
    for (std::uint64_t page = 0; page < pages; ++page) kernel_table().unmap(stack.bottom + page * base::page_bytes);
    frames().free(kernel_pool(), memory, pages);
    return base::fail(mapped.error());
  }
  return stack;
}

}  // namespace

PhysAddr kernel_root() { return root; }
arch::TableSource& kernel_tables() { return frame_tables; }

void set_kernel_root(PhysAddr table) { root = table; }

base::Result<PhysAddr> make_user_root(arch::TableSource& source) {
  const PhysAddr table = TRY(source.allocate_table());
  const auto* from = direct_map<std::uint64_t>(root);
  auto* to = direct_map<std::uint64_t>(table);
  for (unsigned index = arch::table_entries / 2; index < arch::table_entries; ++index) to[index] = from[index];
  return table;
}

base::Result<std::byte*> map_device(PhysAddr address, std::uint64_t bytes, arch::CacheMode cache) {
  const std::uint64_t first = base::round_down(address.value(), base::page_bytes);
  if (bytes == 0 || bytes > device_map_bytes || address.value() + bytes < bytes)
    return base::fail(base::Error::InvalidArgument);
  const std::uint64_t size = base::round_up(address.value() + bytes, base::page_bytes) - first;
  // Large ones start at a multiple of a large page, so that they can be mapped by large pages.
  const bool large = size >= arch::large_page_bytes;
  const std::uint64_t slack = large ? 2 * arch::large_page_bytes : 0;
  const std::uint64_t offset = device_bytes_used.fetch_add(size + slack, std::memory_order_relaxed);
  if (offset + size + slack > device_map_bytes) return base::fail(base::Error::Exhausted);
  std::uintptr_t start = device_map_base + offset;
  if (large) start = base::round_up(start, arch::large_page_bytes) + first % arch::large_page_bytes;
  TRY(kernel_table().map_range(start, PhysAddr(first), size, PageRights::Write | PageRights::Global, cache,
                               large ? arch::large_page_bytes : base::page_bytes));
  return reinterpret_cast<std::byte*>(start + (address.value() - first));
}

base::Result<KernelStack> allocate_kernel_stack() {
  {
    const base::SpinGuard guard(stack_lock);
    if (free_stack != 0) {
      const KernelStack stack{free_stack};
      free_stack = next_free(free_stack);
      return stack;
    }
  }
  return make_stack();
}

void free_kernel_stack(KernelStack stack) {
  const base::SpinGuard guard(stack_lock);
  next_free(stack.bottom) = free_stack;
  free_stack = stack.bottom;
}

}  // namespace kernel

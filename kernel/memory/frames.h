// SPDX-License-Identifier: Apache-2.0
// The frame allocator: a buddy system over all RAM. Free blocks are linked through their own first bytes; one byte per
// frame says what it is. Single frames and contiguous runs of any length; freeing checks that the frames were
// allocated. A pool says whom frames are for: today all pools draw on all of RAM and only count; once memory is
// exported to peers a pool owns slabs. One SpinLock (rank Frames) guards everything.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/error.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/types.h"

namespace kernel {

enum class FrameKind : std::uint8_t {
  Kernel,     // tables, heap, buffers
  Anonymous,  // user memory
  PageCache,  // file pages
  ExCache,    // lines of a pComponent
};
inline constexpr unsigned frame_kinds = 4;

struct FrameCounters {
  std::uint64_t total = 0;
  std::uint64_t free = 0;
  std::array<std::uint64_t, frame_kinds> used{};  // by FrameKind
  std::uint64_t peak_used = 0;
};

// Lives longer than the frames taken through it.
class FramePool {
 public:
  constexpr FramePool() = default;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  std::uint64_t used() const { return used_; }  // frames; exact only when nobody allocates meanwhile

 private:
  friend class FrameAllocator;
  std::uint64_t used_ = 0;
};

class FrameAllocator {
 public:
  // Block sizes: 1 frame to 2^18 frames (1 GiB).
  static constexpr unsigned orders = 19;

  // `memory_offset`: where physical address 0 would be visible (the direct map; an arena in tests).
  explicit FrameAllocator(std::uintptr_t memory_offset) : memory_offset_(memory_offset) {}
  FrameAllocator(const FrameAllocator&) = delete;
  FrameAllocator& operator=(const FrameAllocator&) = delete;

  // One byte per frame from physical address 0 on; frames beyond the span are never used. Once, before add().
  void start(std::span<std::uint8_t> states);
  // Hands free RAM to the allocator. Page aligned, known to no one else.
  void add(base::PhysAddr first, std::uint64_t frames);

  // `count` contiguous frames, not cleared, aligned to count rounded up to a power of two. Error::NoMemory.
  base::Result<base::PhysAddr> allocate(FramePool& pool, FrameKind kind, std::uint64_t count = 1);
  // Exactly `count` frames from `first`, allocated through this pool (any part of an allocation may be freed).
  void free(FramePool& pool, base::PhysAddr first, std::uint64_t count = 1);

  FrameCounters counters() const;

 private:
  struct FreeBlock : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>> {};
  using FreeList = boost::intrusive::list<FreeBlock, boost::intrusive::constant_time_size<false>>;

  FreeBlock* block_at(std::uint64_t frame) const;
  std::uint64_t frame_of(const FreeBlock& block) const;
  void insert(std::uint64_t frame, unsigned order);
  void remove(std::uint64_t frame, unsigned order);
  base::Result<std::uint64_t> take(unsigned order);
  void give(std::uint64_t frame, std::uint64_t count);
  void give_block(std::uint64_t frame, unsigned order);

  std::uintptr_t memory_offset_;
  mutable base::SpinLock lock_{base::LockRank::Frames};  // guards all below, and the pools
  std::span<std::uint8_t> states_;
  std::array<FreeList, orders> free_;
  FrameCounters counters_;
};

// The component's own, over its RAM; ready before component_main().
FrameAllocator& frames();
// For what belongs to the component itself.
FramePool& kernel_pool();

}  // namespace kernel

// SPDX-License-Identifier: Apache-2.0
// The buddy system: see frames.h. A frame's state byte is `unusable`, `inside_free` (in a free block, not its first
// frame), `free_head + order` (the first frame of a free block) or `allocated + kind`.
#include "kernel/memory/frames.h"

#include <bit>
#include <new>

#include "kernel/base/assert.h"

namespace kernel {
namespace {

constexpr std::uint8_t unusable = 0;
constexpr std::uint8_t inside_free = 1;
constexpr std::uint8_t free_head = 0x40;
constexpr std::uint8_t allocated = 0x80;

constexpr std::uint8_t free_state(unsigned order) { return static_cast<std::uint8_t>(free_head + order); }
constexpr std::uint8_t allocated_state(FrameKind kind) {
  return static_cast<std::uint8_t>(allocated + static_cast<unsigned>(kind));
}
constexpr bool is_allocated(std::uint8_t state) { return state >= allocated; }
constexpr std::uint64_t frames_in(unsigned order) { return std::uint64_t{1} << order; }

}  // namespace

FrameAllocator::FreeBlock* FrameAllocator::block_at(std::uint64_t frame) const {
  return reinterpret_cast<FreeBlock*>(memory_offset_ + frame * base::page_bytes);
}

std::uint64_t FrameAllocator::frame_of(const FreeBlock& block) const {
  return (reinterpret_cast<std::uintptr_t>(&block) - memory_offset_) / base::page_bytes;
}

void FrameAllocator::start(std::span<std::uint8_t> states) {
  for (auto& state : states) state = unusable;
  states_ = states;
}

void FrameAllocator::add(base::PhysAddr first, std::uint64_t frames) {
  const base::SpinGuard guard(lock_);
  std::uint64_t frame = first.value() / base::page_bytes;
  if (frame >= states_.size()) return;
  if (frames > states_.size() - frame) frames = states_.size() - frame;
  for (std::uint64_t i = 0; i < frames; ++i) {
    LEGO_ASSERT(states_[frame + i] == unusable);
    states_[frame + i] = inside_free;
  }
  counters_.total += frames;
  counters_.free += frames;
  give(frame, frames);
}

void FrameAllocator::insert(std::uint64_t frame, unsigned order) {
  states_[frame] = free_state(order);
  free_[order].push_front(*::new (block_at(frame)) FreeBlock);
}

void FrameAllocator::remove(std::uint64_t frame, unsigned order) {
  states_[frame] = inside_free;
  free_[order].erase(free_[order].iterator_to(*block_at(frame)));
}

// A free block of exactly this order, splitting a larger one if need be.
base::Result<std::uint64_t> FrameAllocator::take(unsigned order) {
  unsigned found = order;
  while (found < orders && free_[found].empty()) ++found;
  if (found >= orders) return base::fail(base::Error::NoMemory);
  const std::uint64_t frame = frame_of(free_[found].front());
  remove(frame, found);
  while (found > order) {
    --found;
    insert(frame + frames_in(found), found);
  }
  return frame;
}

// Puts one aligned block back, merged with its buddies as far as they are free.
void FrameAllocator::give_block(std::uint64_t frame, unsigned order) {
  while (order + 1 < orders) {
    const std::uint64_t buddy = frame ^ frames_in(order);
    if (buddy >= states_.size() || states_[buddy] != free_state(order)) break;
    remove(buddy, order);
    states_[frame] = inside_free;
    frame &= ~frames_in(order);
    ++order;
  }
  insert(frame, order);
}

// Any run, cut into aligned blocks. The states of its frames are inside_free.
void FrameAllocator::give(std::uint64_t frame, std::uint64_t count) {
  while (count > 0) {
    unsigned order = frame == 0 ? orders - 1 : static_cast<unsigned>(std::countr_zero(frame));
    if (order > orders - 1) order = orders - 1;
    while (frames_in(order) > count) --order;
    give_block(frame, order);
    frame += frames_in(order);
    count -= frames_in(order);
  }
}

base::Result<base::PhysAddr> FrameAllocator::allocate(FramePool& pool, FrameKind kind, std::uint64_t count) {
  if (count == 0 || count > frames_in(orders - 1)) return base::fail(base::Error::NoMemory);
  const auto order = static_cast<unsigned>(std::bit_width(count - 1));
  const base::SpinGuard guard(lock_);
  const std::uint64_t frame = TRY(take(order));
  for (std::uint64_t i = 0; i < count; ++i) states_[frame + i] = allocated_state(kind);
  // The buddies of what is given back here were allocated a moment ago, or are inside the same block: nothing merges
  // beyond the block itself.
  if (frames_in(order) > count) give(frame + count, frames_in(order) - count);
  counters_.free -= count;
  counters_.used[static_cast<unsigned>(kind)] += count;
  const std::uint64_t used = counters_.total - counters_.free;
  if (used > counters_.peak_used) counters_.peak_used = used;
  pool.used_ += count;
  return base::PhysAddr(frame * base::page_bytes);
}

void FrameAllocator::free(FramePool& pool, base::PhysAddr first, std::uint64_t count) {
  const std::uint64_t frame = first.value() / base::page_bytes;
  const base::SpinGuard guard(lock_);
  LEGO_ASSERT(first.value() % base::page_bytes == 0 && frame + count <= states_.size() && pool.used_ >= count);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint8_t& state = states_[frame + i];
    LEGO_ASSERT(is_allocated(state));
    --counters_.used[state - allocated];
    state = inside_free;
  }
  counters_.free += count;
  pool.used_ -= count;
  give(frame, count);
}

FrameCounters FrameAllocator::counters() const {
  const base::SpinGuard guard(lock_);
  return counters_;
}

}  // namespace kernel

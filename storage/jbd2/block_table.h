// SPDX-License-Identifier: Apache-2.0
// A hash table from block numbers to small values, in one piece of memory: open addressing, at most half full. Removing
// closes the gap, so there are no marks of removed entries.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernel/base/array.h"
#include "kernel/base/error.h"

namespace jbd2 {

template <typename Value>
class BlockTable {
 public:
  std::size_t size() const { return size_; }

  // Room for this many entries, so that put() cannot fail.
  base::Result<> reserve(std::size_t entries) {
    const std::size_t slots = std::bit_ceil(std::size_t{2} * (entries < 8 ? 8 : entries));
    if (slots <= slots_.size()) return {};
    base::Array<Slot> larger;
    TRY(larger.resize(slots));
    std::swap(larger, slots_);
    for (const Slot& slot : larger)
      if (slot.used) slots_[find_slot(slot.block)] = slot;
    return {};
  }
  // There is room.
  void put(std::uint64_t block, const Value& value) {
    Slot& slot = slots_[find_slot(block)];
    if (!slot.used) ++size_;
    slot = {.block = block, .value = value, .used = true};
    LEGO_ASSERT(2 * size_ <= slots_.size());
  }
  bool contains(std::uint64_t block) const { return size_ != 0 && slots_[find_slot(block)].used; }

  void remove(std::uint64_t block) {
    if (!contains(block)) return;
    std::size_t gap = find_slot(block);
    // What comes after the gap moves into it if it may stand there: not before the place that its hash gives it.
    for (std::size_t at = next(gap); slots_[at].used; at = next(at)) {
      const std::size_t home = home_of(slots_[at].block);
      if (((at - home) & mask()) < ((at - gap) & mask())) continue;
      slots_[gap] = slots_[at];
      gap = at;
    }
    slots_[gap] = Slot{};
    --size_;
  }
  void clear() {
    slots_ = {};
    size_ = 0;
  }

  // In no particular order.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (const Slot& slot : slots_)
      if (slot.used) visit(slot.block, slot.value);
  }

 private:
  struct Slot {
    std::uint64_t block = 0;
    Value value{};
    bool used = false;
  };
  std::size_t mask() const { return slots_.size() - 1; }
  std::size_t next(std::size_t slot) const { return (slot + 1) & mask(); }
  std::size_t home_of(std::uint64_t block) const { return (block * 0x9e3779b97f4a7c15) >> 20 & mask(); }
  // The block's, or the free one where it would go.
  std::size_t find_slot(std::uint64_t block) const {
    std::size_t slot = home_of(block);
    while (slots_[slot].used && slots_[slot].block != block) slot = next(slot);
    return slot;
  }

  base::Array<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace jbd2

// SPDX-License-Identifier: Apache-2.0
// Where mappings may go: the home's choices and checks, none of which changes the set. See vma_set.h.
#include <algorithm>

#include "kernel/vma/vma_set.h"

namespace vma {
namespace {

constexpr bool aligned(base::UserVa address) { return address.value() % base::page_bytes == 0; }

constexpr base::UserVa page_up(base::UserVa address) {
  return base::UserVa(base::round_up(address.value(), base::page_bytes));
}

// A mapping placed below this VMA ends here at the latest.
base::UserVa ceiling_below(const Vma& vma) {
  const base::UserVa start = vma.range.start;
  if (!vma.grows_down()) return start;
  return start.value() > stack_guard_bytes ? start - stack_guard_bytes : base::UserVa(0);
}

}  // namespace

// Free, within user space, and off the guard of a stack above it.
bool VmaSet::has_room(Range range) const {
  if (range.start < layout_.lowest || range.end > layout_.end || range.end < range.start) return false;
  const Vma* above = find_from(range.start);
  return above == nullptr || (above->range.start >= range.end && ceiling_below(*above) >= range.end);
}

// The highest gap below `top`.
base::Result<base::UserVa> VmaSet::search(base::UserVa lowest, base::UserVa top, std::uint64_t bytes) const {
  base::UserVa gap_end = top;
  auto position = nodes_.lower_bound(top);
  if (position != nodes_.end()) gap_end = std::min(gap_end, ceiling_below(*position));
  while (position != nodes_.begin()) {
    --position;
    const base::UserVa gap_start = std::max(position->range.end, lowest);
    if (gap_start <= gap_end && gap_end - gap_start >= bytes) return gap_end - bytes;
    gap_end = std::min(gap_end, ceiling_below(*position));
  }
  if (lowest <= gap_end && gap_end - lowest >= bytes) return gap_end - bytes;
  return base::fail(base::Error::NoMemory);
}

base::Result<base::UserVa> VmaSet::place(base::UserVa hint, std::uint64_t bytes, Placement placement) const {
  if (bytes == 0 || bytes % base::page_bytes != 0) return base::fail(base::Error::InvalidArgument);
  const std::uint64_t room = layout_.end - layout_.lowest;
  if (bytes > room) return base::fail(base::Error::NoMemory);
  if (placement == Placement::Fixed || placement == Placement::FixedNoReplace) {
    if (!aligned(hint)) return base::fail(base::Error::InvalidArgument);
    if (hint < layout_.lowest) return base::fail(base::Error::NotPermitted);
    if (hint > layout_.end || layout_.end - hint < bytes) return base::fail(base::Error::NoMemory);
    if (placement == Placement::FixedNoReplace && !is_free(Range::of(hint, bytes)))
      return base::fail(base::Error::Exists);
    return hint;
  }
  if (hint.value() != 0 && hint < layout_.end) {
    const base::UserVa start(base::round_down(hint.value(), base::page_bytes));
    const Range wanted = Range::of(start, bytes);
    const bool low_enough = placement != Placement::Low32Bit || wanted.end.value() <= std::uint64_t{1} << 31;
    if (low_enough && has_room(wanted)) return start;
  }
  if (placement == Placement::Low32Bit) return search(base::UserVa(0x4000'0000), base::UserVa(0x8000'0000), bytes);
  if (auto found = search(layout_.lowest, layout_.mmap_top, bytes)) return found;
  return search(layout_.mmap_top, layout_.end, bytes);
}

base::Result<base::UserVa> VmaSet::place_remap(Range old_range, base::UserVa new_address, std::uint64_t new_bytes,
                                               RemapMode mode) const {
  if (!aligned(old_range.start) || !aligned(old_range.end) || new_bytes == 0 || new_bytes % base::page_bytes != 0)
    return base::fail(base::Error::InvalidArgument);
  if ((mode.fixed || mode.keep_old) && !mode.may_move) return base::fail(base::Error::InvalidArgument);
  const std::uint64_t old_bytes = old_range.bytes();
  if (mode.keep_old && old_bytes != new_bytes) return base::fail(base::Error::InvalidArgument);
  const Vma* vma = find(old_range.start);
  if (vma == nullptr || old_range.end > vma->range.end) return base::fail(base::Error::BadAddress);
  if (old_bytes == 0 && (!vma->shared() || !mode.may_move)) return base::fail(base::Error::InvalidArgument);
  if (mode.fixed) {
    if (new_bytes > layout_.end.value() || !aligned(new_address)) return base::fail(base::Error::InvalidArgument);
    if (old_range.overlaps(Range::of(new_address, new_bytes))) return base::fail(base::Error::InvalidArgument);
    return place(new_address, new_bytes, Placement::Fixed);
  }
  if (!mode.keep_old && old_bytes > 0) {
    if (new_bytes <= old_bytes) return old_range.start;
    if (new_bytes > layout_.end - layout_.lowest) return base::fail(base::Error::NoMemory);
    const Range added{old_range.end, old_range.start + new_bytes};
    if (old_range.end == vma->range.end && has_room(added)) return old_range.start;
  }
  if (!mode.may_move) return base::fail(base::Error::NoMemory);
  return place(base::UserVa(0), new_bytes, Placement::Anywhere);
}

base::Result<> VmaSet::check_break(base::UserVa address) const {
  if (address < break_start_) return base::fail(base::Error::InvalidArgument);
  if (address >= layout_.end) return base::fail(base::Error::NoMemory);
  const Range change = break_change(address);
  if (address > break_ && change.start < change.end && !has_room(change)) return base::fail(base::Error::NoMemory);
  return {};
}

Range VmaSet::break_change(base::UserVa address) const {
  const base::UserVa from = page_up(break_);
  const base::UserVa to = page_up(address);
  return {std::min(from, to), std::max(from, to)};
}

base::Result<VmaSet::Growth> VmaSet::stack_growth(base::UserVa address, std::uint64_t max_stack_bytes) const {
  const Vma* stack = find_from(address);
  if (stack == nullptr || !stack->grows_down() || stack->range.contains(address) || address < layout_.lowest)
    return base::fail(base::Error::BadAddress);
  const base::UserVa start(base::round_down(address.value(), base::page_bytes));
  if (stack->range.end - start > max_stack_bytes) return base::fail(base::Error::NoMemory);
  auto position = position_of(*stack);
  if (position != nodes_.begin()) {
    const Vma& below = *std::prev(position);
    const bool guarded = !below.grows_down() && below.protection != Protection::None;
    if (below.range.end + (guarded ? stack_guard_bytes : 0) > start) return base::fail(base::Error::NoMemory);
  }
  return Growth{{start, stack->range.start}, stack};
}

}  // namespace vma

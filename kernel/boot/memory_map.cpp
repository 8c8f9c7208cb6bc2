// SPDX-License-Identifier: Apache-2.0
// Ranges of physical memory: see memory_map.h.
#include "kernel/boot/memory_map.h"

#include <algorithm>

namespace kernel {
namespace {

// No machine has more; keeps additions from wrapping.
constexpr std::uint64_t physical_end = std::uint64_t{1} << 52;

PhysRange outward(const MemoryRegion& region) {
  const std::uint64_t end = std::min(region.start.value() + region.bytes, physical_end);
  return {base::round_down(region.start.value(), base::page_bytes), base::round_up(end, base::page_bytes)};
}

PhysRange inward(const MemoryRegion& region) {
  const std::uint64_t start = std::min(region.start.value(), physical_end);
  const std::uint64_t end = std::min(region.start.value() + region.bytes, physical_end);
  return {base::round_up(start, base::page_bytes), base::round_down(end, base::page_bytes)};
}

}  // namespace

void RangeSet::insert_at(std::size_t index, PhysRange range) {
  if (count_ == max_ranges) {
    ++dropped_;
    return;
  }
  std::move_backward(ranges_.begin() + index, ranges_.begin() + count_, ranges_.begin() + count_ + 1);
  ranges_[index] = range;
  ++count_;
}

void RangeSet::erase(std::size_t first, std::size_t last) {
  std::move(ranges_.begin() + last, ranges_.begin() + count_, ranges_.begin() + first);
  count_ -= last - first;
}

void RangeSet::add(PhysRange range) {
  if (range.start >= range.end) return;
  std::size_t first = 0;
  while (first < count_ && ranges_[first].end < range.start) ++first;
  std::size_t last = first;
  for (; last < count_ && ranges_[last].start <= range.end; ++last) {
    range.start = std::min(range.start, ranges_[last].start);
    range.end = std::max(range.end, ranges_[last].end);
  }
  erase(first, last);
  insert_at(first, range);
}

void RangeSet::remove(PhysRange range) {
  if (range.start >= range.end) return;
  for (std::size_t i = 0; i < count_;) {
    const PhysRange found = ranges_[i];
    if (found.end <= range.start || found.start >= range.end) {
      ++i;
      continue;
    }
    erase(i, i + 1);
    if (found.start < range.start) insert_at(i++, {found.start, range.start});
    if (found.end > range.end) insert_at(i++, {range.end, found.end});
  }
}

PhysRange RangeSet::longest(std::uint64_t below) const {
  PhysRange best;
  for (PhysRange range : ranges()) {
    range.end = std::min(range.end, below);
    if (range.start < range.end && range.bytes() > best.bytes()) best = range;
  }
  return best;
}

void collect_usable(std::span<const MemoryRegion> map, RangeSet& set) {
  for (const MemoryRegion& region : map)
    if (region.kind == MemoryKind::Usable) set.add(inward(region));
  for (const MemoryRegion& region : map)
    if (region.kind != MemoryKind::Usable) set.remove(outward(region));
}

void collect_direct_map(std::span<const MemoryRegion> map, RangeSet& set) {
  collect_usable(map, set);
  for (const MemoryRegion& region : map)
    if (region.kind == MemoryKind::AcpiTables || region.kind == MemoryKind::AcpiStorage) set.add(outward(region));
}

}  // namespace kernel

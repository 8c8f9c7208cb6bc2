// SPDX-License-Identifier: Apache-2.0
// Ranges of physical memory, worked out of the firmware's map, which may be unsorted, overlapping and unaligned.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/types.h"
#include "kernel/boot/boot_info.h"

namespace kernel {

struct PhysRange {
  std::uint64_t start = 0, end = 0;  // page aligned; end is behind the last byte
  std::uint64_t bytes() const { return end - start; }
  bool operator==(const PhysRange&) const = default;
};

// A set of pages: sorted, disjoint, neighbours merged. What does not fit is dropped and counted (a range too many).
class RangeSet {
 public:
  static constexpr std::size_t max_ranges = 2 * BootInfo::max_regions;

  std::span<const PhysRange> ranges() const { return {ranges_.data(), count_}; }
  void add(PhysRange range);
  void remove(PhysRange range);
  void remove_from(std::uint64_t start) { remove({start, ~std::uint64_t{0} - base::page_bytes + 1}); }
  std::uint64_t dropped() const { return dropped_; }
  // The longest; empty when there is none. `below`: only the part of each range below this address counts.
  PhysRange longest(std::uint64_t below = ~std::uint64_t{0}) const;
  std::uint64_t end() const { return count_ == 0 ? 0 : ranges_[count_ - 1].end; }

 private:
  void insert_at(std::size_t index, PhysRange range);
  void erase(std::size_t first, std::size_t last);

  std::array<PhysRange, max_ranges> ranges_{};
  std::size_t count_ = 0;
  std::uint64_t dropped_ = 0;
};

// Sets are too large for a kernel stack, so these fill one in.
// Whole pages of usable RAM that no other entry of the map claims.
void collect_usable(std::span<const MemoryRegion> map, RangeSet& set);
// Pages that belong in the direct map: usable RAM and the firmware's tables.
void collect_direct_map(std::span<const MemoryRegion> map, RangeSet& set);

}  // namespace kernel

// SPDX-License-Identifier: Apache-2.0
// Sets of pages against a bitmap, and the maps that firmware really gives.
#include "kernel/boot/memory_map.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernel/base/random.h"

namespace kernel {
namespace {

using base::PhysAddr;
using Ranges = std::vector<PhysRange>;

Ranges list(const RangeSet& set) { return {set.ranges().begin(), set.ranges().end()}; }

TEST(MemoryMap, RangesAgreeWithABitmap) {
  base::Random random(1);
  for (int round = 0; round < 200; ++round) {
    RangeSet set;
    std::vector<bool> pages(128);
    for (int step = 0; step < 40; ++step) {
      const std::uint64_t start = random.below(128), end = start + random.below(129 - start);
      const bool add = random.chance(600000);
      if (add)
        set.add({start * 4096, end * 4096});
      else
        set.remove({start * 4096, end * 4096});
      for (std::uint64_t page = start; page < end; ++page) pages[page] = add;
    }
    Ranges expected;
    for (std::uint64_t page = 0; page < 128; ++page) {
      if (!pages[page]) continue;
      if (expected.empty() || expected.back().end != page * 4096) expected.push_back({page * 4096, page * 4096});
      expected.back().end += 4096;
    }
    ASSERT_EQ(list(set), expected);
  }
}

TEST(MemoryMap, WhatIsClaimedTwiceIsNotUsable) {
  const std::vector<MemoryRegion> map{
      {PhysAddr(0x100000), 0x3ff00000, MemoryKind::Usable},
      {PhysAddr(0), 0x9fc00, MemoryKind::Usable},
      {PhysAddr(0x3ffe0800), 0x800, MemoryKind::AcpiTables},
      {PhysAddr(0x200000), 0x1000, MemoryKind::Reserved},
      {PhysAddr(~std::uint64_t{0} - 0xfff), 0x1000, MemoryKind::Reserved},
  };
  RangeSet usable, direct;
  collect_usable(map, usable);
  collect_direct_map(map, direct);
  EXPECT_EQ(list(usable),
            (Ranges{{0, 0x9f000}, {0x100000, 0x200000}, {0x201000, 0x3ffe0000}, {0x3ffe1000, 0x40000000}}));
  EXPECT_EQ(list(direct), (Ranges{{0, 0x9f000}, {0x100000, 0x200000}, {0x201000, 0x40000000}}));
}

TEST(MemoryMap, Longest) {
  RangeSet set;
  EXPECT_EQ(set.longest(), PhysRange());
  set.add({0x1000, 0x3000});
  set.add({0x100000000, 0x200000000});
  EXPECT_EQ(set.longest(), (PhysRange{0x100000000, 0x200000000}));
  EXPECT_EQ(set.longest(0x100000000), (PhysRange{0x1000, 0x3000}));
  EXPECT_EQ(set.longest(0x2000), (PhysRange{0x1000, 0x2000}));
  EXPECT_EQ(set.end(), 0x200000000u);
}

TEST(MemoryMap, TooManyRangesAreDroppedAndCounted) {
  RangeSet set;
  for (std::uint64_t i = 0; i < RangeSet::max_ranges + 5; ++i) set.add({i * 0x2000, i * 0x2000 + 0x1000});
  EXPECT_EQ(set.ranges().size(), RangeSet::max_ranges);
  EXPECT_EQ(set.dropped(), 5u);
}

}  // namespace
}  // namespace kernel

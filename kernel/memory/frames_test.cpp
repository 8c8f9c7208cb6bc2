// SPDX-License-Identifier: Apache-2.0
// The frame allocator over an arena: contents survive, nothing overlaps, everything comes back and merges.
#include "kernel/memory/frames.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "kernel/base/random.h"

namespace kernel {
namespace {

class FramesTest : public testing::Test {
 protected:
  static constexpr std::uint64_t frames_total = 4096;
  FramesTest()
      : arena_(static_cast<std::byte*>(std::aligned_alloc(base::page_bytes, frames_total * base::page_bytes))),
        states_(frames_total),
        allocator_(reinterpret_cast<std::uintptr_t>(arena_)) {
    allocator_.start(states_);
  }
  ~FramesTest() override { std::free(arena_); }

  // The longest run that can be had at once.
  std::uint64_t longest() {
    std::uint64_t count = frames_total;
    while (count > 0) {
      if (auto run = allocator_.allocate(pool_, FrameKind::Kernel, count)) {
        allocator_.free(pool_, *run, count);
        return count;
      }
      count /= 2;
    }
    return 0;
  }

  std::byte* arena_;
  std::vector<std::uint8_t> states_;
  FrameAllocator allocator_;
  FramePool pool_;
};

TEST_F(FramesTest, CountsByKindAndRemembersThePeak) {
  allocator_.add(base::PhysAddr(0), frames_total);
  const auto one = allocator_.allocate(pool_, FrameKind::Anonymous).value();
  const auto run = allocator_.allocate(pool_, FrameKind::PageCache, 5).value();
  FrameCounters counters = allocator_.counters();
  EXPECT_EQ(counters.total, frames_total);
  EXPECT_EQ(counters.free, frames_total - 6);
  EXPECT_EQ(counters.used[static_cast<int>(FrameKind::Anonymous)], 1u);
  EXPECT_EQ(counters.used[static_cast<int>(FrameKind::PageCache)], 5u);
  EXPECT_EQ(pool_.used(), 6u);
  allocator_.free(pool_, one);
  allocator_.free(pool_, run, 5);
  counters = allocator_.counters();
  EXPECT_EQ(counters.free, frames_total);
  EXPECT_EQ(counters.peak_used, 6u);
  EXPECT_EQ(pool_.used(), 0u);
}

TEST_F(FramesTest, HolesAreNeverHandedOut) {
  allocator_.add(base::PhysAddr(3 * base::page_bytes), 10);
  allocator_.add(base::PhysAddr(100 * base::page_bytes), 7);
  std::map<std::uint64_t, int> seen;
  while (auto frame = allocator_.allocate(pool_, FrameKind::Kernel)) ++seen[frame->value() / base::page_bytes];
  EXPECT_EQ(seen.size(), 17u);
  for (const auto& [frame, times] : seen) {
    EXPECT_EQ(times, 1);
    EXPECT_TRUE((frame >= 3 && frame < 13) || (frame >= 100 && frame < 107)) << frame;
  }
}

TEST_F(FramesTest, RunsAreAlignedToTheirSizeRoundedUp) {
  allocator_.add(base::PhysAddr(base::page_bytes), frames_total - 1);
  for (std::uint64_t count : {2u, 3u, 4u, 9u, 31u, 64u, 100u}) {
    const auto run = allocator_.allocate(pool_, FrameKind::Kernel, count).value();
    EXPECT_EQ(run.value() / base::page_bytes % std::bit_ceil(count), 0u) << count;
  }
}

TEST_F(FramesTest, RefusesWhatItDoesNotHave) {
  allocator_.add(base::PhysAddr(0), 64);
  EXPECT_EQ(allocator_.allocate(pool_, FrameKind::Kernel, 65).error(), base::Error::NoMemory);
  EXPECT_EQ(allocator_.allocate(pool_, FrameKind::Kernel, 0).error(), base::Error::NoMemory);
  EXPECT_EQ(allocator_.allocate(pool_, FrameKind::Kernel, ~std::uint64_t{0}).error(), base::Error::NoMemory);
  EXPECT_TRUE(allocator_.allocate(pool_, FrameKind::Kernel, 64).has_value());
  EXPECT_EQ(allocator_.allocate(pool_, FrameKind::Kernel).error(), base::Error::NoMemory);
}

TEST_F(FramesTest, FreeingTwiceIsOurMistake) {
  allocator_.add(base::PhysAddr(0), 64);
  const auto frame = allocator_.allocate(pool_, FrameKind::Kernel).value();
  allocator_.allocate(pool_, FrameKind::Kernel).value();
  allocator_.free(pool_, frame);
  EXPECT_DEATH(allocator_.free(pool_, frame), "is_allocated");
}

// Random runs, each filled with its own byte and checked before it is freed, in parts as well.
TEST_F(FramesTest, RandomUseKeepsRunsApartAndMergesAgain) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::fill(states_.begin(), states_.end(), std::uint8_t{0});
    FrameAllocator allocator(reinterpret_cast<std::uintptr_t>(arena_));
    allocator.start(states_);
    allocator.add(base::PhysAddr(0), frames_total);
    FramePool pool;
    base::Random random(seed);
    struct Run {
      std::uint64_t address, count;
      unsigned char fill;
    };
    std::vector<Run> runs;
    auto check_and_free = [&](const Run& run) {
      for (std::uint64_t i = 0; i < run.count * base::page_bytes; i += 509)
        ASSERT_EQ(static_cast<unsigned char>(arena_[run.address + i]), run.fill);
      const std::uint64_t first_part = random.below(run.count + 1);
      if (first_part > 0) allocator.free(pool, base::PhysAddr(run.address), first_part);
      if (run.count > first_part)
        allocator.free(pool, base::PhysAddr(run.address + first_part * base::page_bytes), run.count - first_part);
    };
    for (int step = 0; step < 2000; ++step) {
      if (random.chance(500000)) {
        const std::uint64_t count = random.chance(700000) ? 1 : 1 + random.below(300);
        const auto address = allocator.allocate(pool, FrameKind::Anonymous, count);
        if (!address) continue;
        const auto fill = static_cast<unsigned char>(random.next());
        std::memset(arena_ + address->value(), fill, count * base::page_bytes);
        runs.push_back({address->value(), count, fill});
      } else if (!runs.empty()) {
        const std::size_t index = random.below(runs.size());
        check_and_free(runs[index]);
        runs.erase(runs.begin() + static_cast<std::ptrdiff_t>(index));
      }
    }
    for (const Run& run : runs) check_and_free(run);
    EXPECT_EQ(allocator.counters().free, frames_total);
    EXPECT_TRUE(allocator.allocate(pool, FrameKind::Kernel, frames_total).has_value()) << "seed " << seed;
  }
}

TEST_F(FramesTest, EverythingMergesIntoTheLongestRun) {
  allocator_.add(base::PhysAddr(0), frames_total);
  std::vector<base::PhysAddr> all;
  while (auto frame = allocator_.allocate(pool_, FrameKind::Kernel)) all.push_back(*frame);
  EXPECT_EQ(all.size(), frames_total);
  for (std::size_t i = 0; i < all.size(); i += 2) allocator_.free(pool_, all[i]);
  EXPECT_EQ(longest(), 1u);
  for (std::size_t i = 1; i < all.size(); i += 2) allocator_.free(pool_, all[i]);
  EXPECT_EQ(longest(), frames_total);
}

}  // namespace
}  // namespace kernel

// SPDX-License-Identifier: Apache-2.0
// The page map against std::map, with random operations; every frame comes back at the end.
#include "memory/frames/page_map.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "kernel/base/random.h"
#include "kernel/base/types.h"

namespace {

using memory::Claim;
using memory::FrameNumber;
using memory::FrameUse;
using memory::PageMap;

class PageMapModel : public testing::TestWithParam<std::uint64_t> {
 protected:
  static constexpr std::uint32_t frames = 700;
  PageMapModel() : memory_(frames * base::page_bytes) { EXPECT_TRUE(store_.add_slab(memory_.data(), frames, 1)); }
  void compare(const PageMap& map, const std::map<std::uint64_t, FrameNumber>& model) {
    ASSERT_EQ(map.pages(), model.size());
    std::uint64_t page = map.next(0);
    for (const auto& [expected_page, frame] : model) {
      ASSERT_EQ(page, expected_page);
      ASSERT_EQ(map.find(page), frame);
      page = map.next(page + 1);
    }
    ASSERT_EQ(page, PageMap::none);
  }
  std::vector<std::byte> memory_;
  memory::FrameStore store_;
};

TEST_P(PageMapModel, BehavesAsAMap) {
  base::Random random(GetParam());
  {
    PageMap map(store_);
    std::map<std::uint64_t, FrameNumber> model;
    for (int step = 0; step < 600; ++step) {
      const std::uint64_t page = random.below(2000), count = random.below(700), to = random.below(2000);
      switch (random.below(8)) {
        case 0:
          map.erase_range(page, count);
          model.erase(model.lower_bound(page), model.lower_bound(page + count));
          break;
        case 1: {
          if (page < to + count && to < page + count && count > 0) {
            ASSERT_EQ(map.move_range(page, to, count), base::fail(base::Error::InvalidArgument));
            break;
          }
          ASSERT_TRUE(map.move_range(page, to, count));
          std::map<std::uint64_t, FrameNumber> moved;
          for (auto i = model.lower_bound(page); i != model.lower_bound(page + count); ++i)
            moved[i->first - page + to] = i->second;
          const auto overlaps = [&](std::uint64_t p, std::uint64_t start) { return p >= start && p < start + count; };
          std::erase_if(model, [&](const auto& e) { return overlaps(e.first, page) || overlaps(e.first, to); });
          model.insert(moved.begin(), moved.end());
          break;
        }
        case 2: {
          PageMap child(store_);
          ASSERT_TRUE(map.share_with(child));
          compare(child, model);
          for (const auto& [p, frame] : model) ASSERT_EQ(store_.references(frame), 2u);
          break;
        }
        case 3: {
          const bool there = model.erase(page) > 0;
          ASSERT_EQ(static_cast<bool>(map.take(page)), there);
          break;
        }
        default:
          if (store_.free() == 0) break;
          ASSERT_TRUE(map.prepare(page));
          model[page] = *store_.allocate(FrameUse::Anonymous, Claim::Ordinary);
          map.set(page, model[page]);
      }
      compare(map, model);
      ASSERT_EQ(store_.anonymous(), model.size());
    }
  }
  EXPECT_EQ(store_.free(), frames);
}

TEST_P(PageMapModel, KeepsMarksWithTheirPages) {
  PageMap map(store_);
  for (const std::uint64_t page : {3u, 63u, 64u, 600u}) {
    ASSERT_TRUE(map.prepare(page));
    map.set(page, *store_.allocate(FrameUse::PageCache, Claim::Ordinary));
  }
  map.mark(63);
  map.mark(600);
  EXPECT_EQ(map.next_marked(0), 63u);
  EXPECT_EQ(map.next_marked(64), 600u);
  ASSERT_TRUE(map.move_range(63, 100, 2));
  EXPECT_EQ(map.next_marked(0), 100u);
  map.take(100);
  EXPECT_EQ(map.marks(), 1u);
  map.unmark(600);
  EXPECT_EQ(map.next_marked(0), PageMap::none);
}

// A range as large as an address space takes no longer than its pages: peers name such ranges.
TEST_P(PageMapModel, MovesHugeRanges) {
  PageMap map(store_);
  constexpr std::uint64_t huge = std::uint64_t{1} << 34;
  for (const std::uint64_t page : {std::uint64_t{3}, huge - 1, huge, huge + 5}) {
    ASSERT_TRUE(map.prepare(page));
    map.set(page, *store_.allocate(FrameUse::Anonymous, Claim::Ordinary));
  }
  ASSERT_TRUE(map.move_range(0, huge, huge));
  EXPECT_EQ(map.pages(), 2u);
  EXPECT_EQ(map.next(0), huge + 3);
  EXPECT_EQ(map.next(huge + 4), 2 * huge - 1);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PageMapModel, testing::Range<std::uint64_t>(1, 21));

}  // namespace

// SPDX-License-Identifier: Apache-2.0
// Where woken threads go and what idle cores take.
#include "kernel/threads/policy/placement.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernel/base/random.h"

namespace policy {
namespace {

using List = std::vector<std::uint32_t>;

TEST(Placement, PrefersTheIdleWakersCoreThenItsOwnThenAnyIdleOne) {
  EXPECT_EQ(choose_core(CoreMask::all(), 2, 1, List{0, 0, 0, 0}), 1u);
  EXPECT_EQ(choose_core(CoreMask::all(), 2, 1, List{0, 1, 0, 0}), 2u);
  EXPECT_EQ(choose_core(CoreMask::all(), 2, 1, List{0, 1, 1, 1}), 0u);
  EXPECT_EQ(choose_core(CoreMask::all(), 2, 1, List{0, 1, 1, 0}), 3u) << "the next one after its own";
}

TEST(Placement, StaysWhereItWasUnlessAnotherCoreHasMuchLess) {
  EXPECT_EQ(choose_core(CoreMask::all(), 0, 1, List{2, 1}), 0u);
  EXPECT_EQ(choose_core(CoreMask::all(), 0, 1, List{3, 1}), 1u);
  EXPECT_EQ(choose_core(CoreMask::all(), 1, 0, List{1, 1}), 1u);
}

TEST(Placement, RespectsAffinity) {
  EXPECT_EQ(choose_core(CoreMask::only(1), 0, 0, List{0, 5}), 1u);
  EXPECT_EQ(choose_core(CoreMask(0b110), 0, 0, List{0, 5, 4}), 2u);
  EXPECT_EQ(choose_core(CoreMask::all(), 9, 0, List{1, 1}), 0u) << "a core that does not exist";
}

TEST(Placement, RandomChoicesAreAllowedAndNeverLeaveACoreIdle) {
  base::Random random(7);
  for (int round = 0; round < 20000; ++round) {
    List loads(1 + random.below(8));
    for (auto& load : loads) load = static_cast<std::uint32_t>(random.below(3));
    const CoreMask existing((std::uint64_t{1} << loads.size()) - 1);
    CoreMask allowed = CoreMask(random.next()) & existing;
    if (allowed.empty()) allowed = existing;
    const auto last = static_cast<std::uint32_t>(random.below(loads.size()));
    const auto waker = static_cast<std::uint32_t>(random.below(loads.size()));
    const std::uint32_t core = choose_core(allowed, last, waker, loads);
    ASSERT_LT(core, loads.size());
    ASSERT_TRUE(allowed.contains(core));
    bool any_idle = false;
    for (std::uint32_t i = 0; i < loads.size(); ++i) any_idle |= allowed.contains(i) && loads[i] == 0;
    ASSERT_EQ(any_idle, loads[core] == 0);
  }
}

TEST(Placement, IdleCoresTakeWaitingThreadsBusyOnesEvenOut) {
  EXPECT_EQ(choose_victim(0, List{0, 1, 1}), std::nullopt) << "nobody waits";
  EXPECT_EQ(choose_victim(0, List{0, 1, 2}), 2u);
  EXPECT_EQ(choose_victim(0, List{0, 3, 2}), 1u);
  EXPECT_EQ(choose_victim(0, List{1, 2}), std::nullopt) << "would only trade places";
  EXPECT_EQ(choose_victim(0, List{1, 3}), 1u);
  EXPECT_EQ(choose_victim(0, List{4}), std::nullopt);
}

}  // namespace
}  // namespace policy

// SPDX-License-Identifier: Apache-2.0
// The list of faults reads as documented, and a frame's fate depends on seed, sender and number alone.
#include "tools/ether_switch/faults.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ether_switch {
namespace {

TEST(FaultPlan, ReadsWhatTheManualShows) {
  const auto plan = FaultPlan::parse("drop=2%,dup=1%,reorder=5%,delay=0-2ms,partition=p0+m0@10s/5s,seed=7");
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_EQ(plan->drop_per_million, 20000u);
  EXPECT_EQ(plan->duplicate_per_million, 10000u);
  EXPECT_EQ(plan->reorder_per_million, 50000u);
  EXPECT_EQ(plan->delay_min_ns, 0u);
  EXPECT_EQ(plan->delay_max_ns, 2'000'000u);
  ASSERT_EQ(plan->partitions.size(), 1u);
  EXPECT_EQ(plan->partitions[0].names, (std::vector<std::string>{"p0", "m0"}));
  EXPECT_EQ(plan->partitions[0].start_ns, 10'000'000'000u);
  EXPECT_EQ(plan->partitions[0].length_ns, 5'000'000'000u);
  EXPECT_EQ(plan->seed, 7u);
}

TEST(FaultPlan, ReadsFractionsAndUnits) {
  const auto plan = FaultPlan::parse("drop=0.5%,delay=100us-1.5ms,partition=m1@0.5s/250ms,seed=18446744073709551615");
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_EQ(plan->drop_per_million, 5000u);
  EXPECT_EQ(plan->delay_min_ns, 100'000u);
  EXPECT_EQ(plan->delay_max_ns, 1'500'000u);
  EXPECT_EQ(plan->partitions[0].start_ns, 500'000'000u);
  EXPECT_EQ(plan->seed, ~std::uint64_t{0});
  EXPECT_EQ(FaultPlan::parse("delay=3ms")->delay_min_ns, 3'000'000u);
}

TEST(FaultPlan, RefusesWhatMeansNothing) {
  for (const char* list : {"",
                           ",",
                           "drop",
                           "drop=",
                           "drop=2",
                           "drop=-1%",
                           "drop=101%",
                           "drop=x%",
                           "drop=1e1%",
                           "loss=1%",
                           "delay=2",
                           "delay=3-1ms",
                           "delay=ms",
                           "delay=1-ms",
                           "delay=nans",
                           "partition=p0+m0",
                           "partition=@1s/1s",
                           "partition=p0+@1s/1s",
                           "partition=p0@1s",
                           "partition=p0@1/2",
                           "seed=",
                           "seed=x",
                           "seed=-1",
                           "seed=18446744073709551616",
                           "drop=1%,,dup=1%",
                           "delay=9999999s"}) {
    const auto plan = FaultPlan::parse(list);
    EXPECT_FALSE(plan) << list;
    if (!plan) {
      EXPECT_EQ(plan.error().find('\n'), std::string::npos);
    }
  }
}

TEST(Fate, IsAFunctionOfSeedSenderAndNumber) {
  const auto plan = *FaultPlan::parse("drop=20%,dup=20%,reorder=20%,delay=0-2ms,seed=1");
  auto other_seed = plan;
  other_seed.seed = 2;
  unsigned seed_differs = 0;
  unsigned sender_differs = 0;
  for (std::uint64_t number = 0; number < 1000; ++number) {
    const FrameFate fate = fate_of(plan, sender_hash("p0"), number);
    EXPECT_EQ(fate, fate_of(plan, sender_hash("p0"), number));
    seed_differs += !(fate == fate_of(other_seed, sender_hash("p0"), number));
    sender_differs += !(fate == fate_of(plan, sender_hash("m0"), number));
  }
  EXPECT_GT(seed_differs, 900u);
  EXPECT_GT(sender_differs, 900u);
}

TEST(Fate, HappensAsOftenAsAsked) {
  const auto plan = *FaultPlan::parse("drop=2%,dup=1%,reorder=5%,delay=1-2ms,seed=3");
  constexpr std::uint64_t frames = 100000;
  std::uint64_t drops = 0, duplicates = 0, reorders = 0, delay = 0;
  for (std::uint64_t number = 0; number < frames; ++number) {
    const FrameFate fate = fate_of(plan, sender_hash("m0"), number);
    drops += fate.drop;
    duplicates += fate.duplicate;
    reorders += fate.overtaken_by > 0;
    EXPECT_LE(fate.overtaken_by, max_overtaken_by);
    EXPECT_GE(fate.delay_ns, 1'000'000u);
    EXPECT_LE(fate.delay_ns, 2'000'000u);
    delay += fate.delay_ns;
  }
  EXPECT_NEAR(static_cast<double>(drops), 2000, 200);
  EXPECT_NEAR(static_cast<double>(duplicates), 1000, 150);
  EXPECT_NEAR(static_cast<double>(reorders), 5000, 300);
  EXPECT_NEAR(static_cast<double>(delay) / frames, 1.5e6, 1e4);
}

// Known values: a seed that someone wrote down must mean the same history in a later version.
TEST(Fate, OfWrittenDownSeedsStays) {
  const auto plan = *FaultPlan::parse("drop=2%,reorder=5%,seed=7");
  std::vector<std::uint64_t> dropped;
  for (std::uint64_t number = 0; dropped.size() < 3; ++number) {
    if (fate_of(plan, sender_hash("p0"), number).drop) dropped.push_back(number);
  }
  EXPECT_EQ(dropped, (std::vector<std::uint64_t>{18, 146, 149}));
}

}  // namespace
}  // namespace ether_switch

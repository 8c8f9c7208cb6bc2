// SPDX-License-Identifier: Apache-2.0
// The rules of chaos.h while connections break and hosts are cut off, over the loopback fabric; and no SEND ever finds
// a receive queue empty.
#include "net/rpc/chaos.h"

namespace rpc::test {
namespace {

struct Chaos : ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Chaos, EverythingHappensOnceAndNothingIsTouchedAfterwards) {
  LoopWorld world(GetParam());
  ChaosServer server(world.add(3));
  ChaosClient first(world.add(1), server, 12);
  ChaosClient second(world.add(2, 3), server, 12);
  std::uint64_t heal_ns = 0;
  for (int i = 0; i < 40000; ++i) {
    if (world.random.below(4) == 0) first.act();
    if (world.random.below(4) == 0) second.act();
    if (world.random.below(2000) == 0) {
      world.fabric.break_connections(first.node.ip() + static_cast<std::uint32_t>(world.random.below(2)),
                                     server.node.ip());
    }
    if (world.random.below(4000) == 0) {
      const Node& victim = *world.nodes[world.random.below(world.nodes.size())];
      world.fabric.set_cut(victim.ip(), true);
      heal_ns = world.now_ns() + world.random.below(4 * base::second_ns);
    }
    if (world.now_ns() >= heal_ns) {
      for (auto& node : world.nodes) world.fabric.set_cut(node->ip(), false);
    }
    world.step(world.now_ns() + world.random.below(10 * base::millisecond_ns));
  }
  for (auto& node : world.nodes) world.fabric.set_cut(node->ip(), false);
  finish(world, server, {&first, &second});
  EXPECT_EQ(world.fabric.counters().receiver_not_ready, 0u);
  EXPECT_EQ(world.fabric.counters().access_errors, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Chaos, ::testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace rpc::test

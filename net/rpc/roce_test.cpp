// SPDX-License-Identifier: Apache-2.0
// net/rpc over net/roce: packets of a page fetch, and the rules of chaos.h over a wire that loses, repeats, reorders,
// delays and damages frames, and is at times cut for longer than a connection lives.
#include "net/rpc/chaos.h"
#include "net/rpc/roce_world.h"

namespace rpc::test {
namespace {

TEST(RpcOverRoce, APageFetchIsOnePacketEachWay) {
  std::vector<std::size_t> sent[2];
  RoceWorld world(1);
  ChaosServer server(world.add(2));
  Node& client = world.add(1);
  auto line = client.allocate(4096);
  messages::PageFetchRequest body;
  body.tag.id = 1;
  for (int i = 0; i < 2; ++i) {  // the first one connects
    for (auto& node : world.wire.nodes) {
      auto& sizes = sent[node.get() == world.wire.nodes[0].get() ? 0 : 1];
      sizes.clear();
      node->on_transmit = [&sizes](const std::vector<std::byte>& frame) { sizes.push_back(frame.size()); };
    }
    TestCall call(body);
    call.request.bulk = *client.slabs.remote(line);
    client.peer(server.node).submit(call);
    ASSERT_TRUE(world.run([&] { return call.free; }));
    EXPECT_EQ(call.error, Error::None);
    world.run_for(base::second_ns);
  }
  for (std::size_t i = 0; i < line.size(); ++i) ASSERT_EQ(line[i], content(0, i));
  // Ethernet 14, IPv4 20, UDP 8, BTH 12, ICRC 4; the acknowledgement has an AETH of 4.
  const std::size_t around = 58;
  std::ranges::sort(sent[0]);
  std::ranges::sort(sent[1]);
  EXPECT_EQ(sent[1], (std::vector<std::size_t>{around + 4, around + sizeof(RequestHeader) + sizeof(body)}));
  EXPECT_EQ(sent[0], (std::vector<std::size_t>{around + 4, around + 16 + 4 + 4096}));  // RETH and immediate
}

// One client that creates an object on one server, which is no operation to do twice.
struct OneCall : ::testing::Test {
  bool executed() { return server.executed[5] == 1; }
  void expect_one_success() {
    ASSERT_TRUE(world.run([&] { return call.free; }));
    EXPECT_EQ(call.error, Error::None);
    EXPECT_EQ(call.reply.as<messages::ObjectCreateReply>()->object, 6u);
    EXPECT_TRUE(executed());
    const TrafficCounters& traffic = client.statistics.traffic;
    EXPECT_EQ(traffic.disconnects, 1u);
    EXPECT_EQ(traffic.connects, 2u);
    EXPECT_EQ(traffic.retried_requests, 1u);
    EXPECT_GE(retries_exceeded(), 1u);
  }
  std::uint64_t retries_exceeded() const {
    std::uint64_t count = 0;
    for (const auto& node : world.wire.nodes) count += node->counters().retries_exceeded;
    return count;
  }
  // Long enough for both queue pairs to give up.
  void cut_and_heal() {
    world.wire.partitioned = true;
    world.run_for(50 * base::second_ns);
    EXPECT_FALSE(call.done);
    world.wire.partitioned = false;
  }
  void connect() {
    messages::PageFetchRequest page;
    page.tag.id = 1;
    TestCall first(page);
    first.request.bulk = *client.slabs.remote(client.allocate(4096));
    client.peer(server.node).submit(first);
    ASSERT_TRUE(world.run([&] { return first.free; }));
    world.run_for(base::second_ns);
  }

  RoceWorld world{1};
  ChaosServer server{world.add(2)};
  Node& client = world.add(1);
  TestCall call{[] {
    messages::ObjectCreateRequest body;
    body.bytes = 5;
    return body;
  }()};
};

TEST_F(OneCall, GoesOutAgainOverTheNextConnectionIfTheRequestWasLost) {
  connect();
  world.wire.partitioned = true;
  client.peer(server.node).submit(call);
  cut_and_heal();
  EXPECT_FALSE(executed());
  expect_one_success();
  EXPECT_EQ(server.node.statistics.traffic.replayed_replies, 0u);
}

TEST_F(OneCall, IsAnsweredFromMemoryIfTheReplyWasLost) {
  connect();
  client.peer(server.node).submit(call);
  ASSERT_TRUE(world.run([&] { return executed(); }));
  ASSERT_FALSE(call.done);
  cut_and_heal();
  expect_one_success();
  EXPECT_EQ(server.node.statistics.traffic.replayed_replies, 1u);
}

TEST_F(OneCall, EndsAtItsDeadlineIfThePeerHasVanished) {
  connect();
  world.wire.partitioned = true;
  call.request.deadline_ns = world.now_ns() + 60 * base::second_ns;
  client.peer(server.node).submit(call);
  ASSERT_TRUE(world.run([&] { return call.free; }));
  EXPECT_EQ(call.error, Error::TimedOut);
  EXPECT_LE(world.now_ns(), call.request.deadline_ns + base::second_ns);
  EXPECT_FALSE(executed());
  EXPECT_EQ(retries_exceeded(), 1u);
  EXPECT_EQ(client.statistics.traffic.timeouts, 1u);
  EXPECT_EQ(client.statistics.traffic.disconnects, 1u);
  EXPECT_EQ(client.statistics.traffic.connects, 1u);
}

struct BadWire : ::testing::TestWithParam<std::uint64_t> {};

TEST_P(BadWire, EverythingHappensOnceAndNothingIsTouchedAfterwards) {
  RoceWorld world(GetParam());
  auto& faults = world.wire.faults;
  faults.drop = static_cast<std::uint32_t>(world.random.below(50'000));
  faults.duplicate = static_cast<std::uint32_t>(world.random.below(30'000));
  faults.reorder = static_cast<std::uint32_t>(world.random.below(50'000));
  faults.corrupt = static_cast<std::uint32_t>(world.random.below(10'000));
  faults.jitter_ns = world.random.below(200'000);
  ChaosServer server(world.add(3));
  ChaosClient first(world.add(1), server, 12);
  ChaosClient second(world.add(2, 3), server, 12);
  std::uint64_t heal_ns = base::never_ns;
  for (int i = 0; i < 30000; ++i) {
    if (world.random.below(8) == 0) first.act();
    if (world.random.below(8) == 0) second.act();
    if (!world.wire.partitioned && world.random.below(10000) == 0) {
      world.wire.partitioned = true;
      heal_ns = world.now_ns() + world.random.below(40 * base::second_ns);
    }
    if (world.now_ns() >= heal_ns) world.wire.partitioned = false;
    world.step(world.now_ns() + world.random.below(10 * base::millisecond_ns));
  }
  world.wire.partitioned = false;
  finish(world, server, {&first, &second});
  for (auto& node : world.wire.nodes) EXPECT_EQ(node->counters().rnr_nak_sent, 0u) << "more requests than buffers";
}

INSTANTIATE_TEST_SUITE_P(Seeds, BadWire, ::testing::Range<std::uint64_t>(1, 13));

}  // namespace
}  // namespace rpc::test

// SPDX-License-Identifier: Apache-2.0
// Queue pair numbers at their wrap: an index and a generation, and a queue pair that gets the first generation again
// works like any other.
#include <gtest/gtest.h>

#include <memory>

#include "net/roce/testing/endpoint.h"
#include "net/roce/testing/raw_peer.h"

namespace {

using namespace roce;
using namespace roce::testing;

constexpr std::uint32_t index_bits = 13;
constexpr std::uint32_t queue_pairs = 1 << index_bits;
constexpr verbs::QpCapabilities small = {.max_send_wr = 2, .max_recv_wr = 2, .max_send_sge = 1, .max_recv_sge = 1};
constexpr std::uint32_t last_generation = (1 << (24 - index_bits)) - 1;

EngineConfig config_with(std::uint64_t seed) {
  EngineConfig config = default_config(1);
  config.seed = seed;
  config.max_queue_pairs = queue_pairs;
  config.max_connections = config.max_memory_regions = 1;
  config.transmit_slots = 8;
  return config;
}

// Generations begin anywhere: this is one where the first queue pair has the last of them.
std::uint64_t seed_at_the_end() {
  for (std::uint64_t seed = 1;; ++seed) {
    World world{1};
    auto& device = world.add(config_with(seed)).engine().device();
    const auto domain = std::move(device.allocate_protection_domain().value());
    const auto completions = std::move(device.create_completion_queue(1).value());
    verbs::QpInitAttributes attributes;
    attributes.send_cq = attributes.recv_cq = completions.get();
    attributes.capabilities = small;
    const auto queue_pair = std::move(device.create_queue_pair(*domain, attributes).value());
    if (queue_pair->qp_num() >> index_bits == last_generation) return seed;
  }
}

TEST(QueuePairNumbers, WrapToTheFirstGeneration) {
  World world{1};
  Node& node = world.add(config_with(seed_at_the_end()));
  Endpoint other(world.add(), 4096);
  auto end = std::make_unique<Endpoint>(node, 4096, small);
  const std::uint32_t old = end->queue_pair->qp_num();
  ASSERT_EQ(old, last_generation << index_bits);
  verbs::QpInitAttributes attributes;
  attributes.send_cq = attributes.recv_cq = end->completions.get();
  attributes.capabilities = small;
  end->queue_pair.reset();
  for (std::uint32_t i = 0; i < queue_pairs; ++i) {
    end->queue_pair = std::move(node.engine().device().create_queue_pair(*end->domain, attributes).value());
    ASSERT_GT(end->queue_pair->qp_num(), 1u);
    ASSERT_LT(end->queue_pair->qp_num(), 1u << 24);
    if (i + 1 < queue_pairs) end->queue_pair.reset();
  }
  EXPECT_EQ(end->queue_pair->qp_num(), 1u << index_bits);

  // What is sent to the last generation is for nobody.
  RawPeer late(world, node);
  TransportHeaders h;
  h.opcode = opcode::rc_send_only;
  h.qpn = old;
  late.send(h);
  EXPECT_EQ(node.counters().rx_unknown_qp, 1u);

  join(*end, other);
  end->fill(1);
  ASSERT_TRUE(other.post_receive(1, 0, 4096));
  ASSERT_TRUE(end->post(1, verbs::Opcode::Send, 0, 4096));
  ASSERT_TRUE(world.run([&] { return end->completed() == 1 && other.completed() == 1; }));
  EXPECT_EQ(end->done[0].status, verbs::CompletionStatus::Success);
  EXPECT_EQ(end->memory, other.memory);
}

}  // namespace

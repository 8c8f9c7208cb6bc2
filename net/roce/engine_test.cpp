// SPDX-License-Identifier: Apache-2.0
// Two engines on a sound wire: every operation, every size class, every path MTU.
#include <gtest/gtest.h>

#include "net/roce/testing/endpoint.h"

namespace {

using namespace roce;
using namespace roce::testing;
using verbs::CompletionOpcode;
using verbs::CompletionStatus;
using verbs::Opcode;

constexpr std::size_t bytes = 4 << 20;

class Sizes : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  Sizes() : a(world.add(), bytes), b(world.add(), bytes) {
    a.fill(1);
    b.fill(2);
    verbs::QpAttributes attributes;
    attributes.path_mtu = GetParam();
    join(a, b, attributes);
  }
  std::vector<std::size_t> sizes() const {
    const std::size_t mtu = GetParam();
    return {0, 1, 2, 3, 4, 5, 64, mtu - 1, mtu, mtu + 1, 3 * mtu, 3 * mtu + 7, 65536, 1 << 20, (1 << 20) + 1};
  }
  bool same(std::size_t at_a, std::size_t at_b, std::size_t length) const {
    return std::memcmp(a.memory.data() + at_a, b.memory.data() + at_b, length) == 0;
  }
  World world{1};
  Endpoint a;
  Endpoint b;
};

TEST_P(Sizes, SendArrivesWhole) {
  std::size_t rounds = 0;
  for (const std::size_t size : sizes()) {
    ASSERT_TRUE(b.post_receive(100 + rounds, 1 << 21, (1 << 20) + 1));
    ASSERT_TRUE(a.post(rounds, Opcode::Send, rounds, size));
    ++rounds;
    ASSERT_TRUE(world.run([&] { return a.completed() == rounds && b.completed() == rounds; })) << size;
    EXPECT_EQ(a.done.back().status, CompletionStatus::Success);
    EXPECT_EQ(b.done.back().wr_id, 100 + rounds - 1);
    EXPECT_EQ(b.done.back().opcode, CompletionOpcode::Receive);
    EXPECT_EQ(b.done.back().byte_len, size);
    EXPECT_TRUE(same(rounds - 1, 1 << 21, size)) << size;
  }
  EXPECT_EQ(a.node.counters().retransmits, 0u);
}

TEST_P(Sizes, WriteLandsWhereItShould) {
  std::size_t rounds = 0;
  for (const std::size_t size : sizes()) {
    const std::byte before = b.memory[(1 << 21) + 1000 + size];
    ASSERT_TRUE(a.post(rounds, Opcode::RdmaWrite, rounds, size, b.address((1 << 21) + 1000), b.region->rkey()));
    ++rounds;
    ASSERT_TRUE(world.run([&] { return a.completed() == rounds; })) << size;
    EXPECT_EQ(a.done.back().status, CompletionStatus::Success);
    EXPECT_TRUE(same(rounds - 1, (1 << 21) + 1000, size)) << size;
    EXPECT_EQ(b.memory[(1 << 21) + 1000 + size], before);
  }
  EXPECT_EQ(b.completed(), 0u);
}

TEST_P(Sizes, WriteWithImmediateConsumesAReceive) {
  std::size_t rounds = 0;
  for (const std::size_t size : sizes()) {
    ASSERT_TRUE(b.post_receive(100, 0, 0));
    ASSERT_TRUE(a.post(7 + rounds, Opcode::RdmaWriteWithImmediate, rounds, size, b.address(0), b.region->rkey()));
    ++rounds;
    ASSERT_TRUE(world.run([&] { return a.completed() == rounds && b.completed() == rounds; })) << size;
    EXPECT_TRUE(same(rounds - 1, 0, size)) << size;
    EXPECT_EQ(b.done.back().opcode, CompletionOpcode::ReceiveRdmaWithImmediate);
    EXPECT_TRUE(b.done.back().has_immediate);
    EXPECT_EQ(b.done.back().immediate, 6 + rounds);
    EXPECT_EQ(b.done.back().byte_len, size);
  }
}

TEST_P(Sizes, ReadFetches) {
  std::size_t rounds = 0;
  for (const std::size_t size : sizes()) {
    const std::byte before = a.memory[500 + size];
    ASSERT_TRUE(a.post(rounds, Opcode::RdmaRead, 500, size, b.address(rounds), b.region->rkey()));
    ++rounds;
    ASSERT_TRUE(world.run([&] { return a.completed() == rounds; })) << size;
    EXPECT_EQ(a.done.back().status, CompletionStatus::Success);
    EXPECT_EQ(a.done.back().opcode, CompletionOpcode::RdmaRead);
    EXPECT_TRUE(same(500, rounds - 1, size)) << size;
    EXPECT_EQ(a.memory[500 + size], before);
  }
  EXPECT_EQ(a.node.counters().retransmits, 0u);
}

TEST_P(Sizes, ManyOperationsAtOnceCompleteInOrder) {
  for (std::uint64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(a.post(3 * i, Opcode::RdmaWrite, i * 5000, 5000, b.address(i * 5000), b.region->rkey()));
    ASSERT_TRUE(a.post(3 * i + 1, Opcode::RdmaRead, (1 << 21) + i * 9000, 9000, b.address((1 << 21) + i * 9000),
                       b.region->rkey()));
    ASSERT_TRUE(b.post_receive(i, (1 << 20) + i * 3000, 3000));
    ASSERT_TRUE(a.post(3 * i + 2, Opcode::Send, i * 3000, 3000));
  }
  ASSERT_TRUE(world.run([&] { return a.completed() == 60 && b.completed() == 20; }));
  for (std::uint64_t i = 0; i < 60; ++i) {
    EXPECT_EQ(a.done[i].wr_id, i);
    EXPECT_EQ(a.done[i].status, CompletionStatus::Success);
  }
  EXPECT_TRUE(same(0, 0, 20 * 5000));
  EXPECT_TRUE(same(1 << 21, 1 << 21, 20 * 9000));
  EXPECT_TRUE(same(0, 1 << 20, 20 * 3000));
  EXPECT_EQ(a.node.counters().retransmits, 0u);
}

INSTANTIATE_TEST_SUITE_P(PathMtu, Sizes, ::testing::Values(256, 512, 1024, 2048, 4096));

TEST(Atomics, AreExecutedOnce) {
  World world{1};
  Endpoint a(world.add(), 4096);
  Endpoint b(world.add(), 4096);
  join(a, b);
  std::uint64_t value = 40;
  std::memcpy(b.memory.data() + 8, &value, 8);
  const verbs::Sge list[] = {a.sge(64, 8)};
  verbs::SendWorkRequest request;
  request.sg_list = list;
  request.remote_address = b.address(8);
  request.rkey = b.region->rkey();
  request.opcode = Opcode::FetchAndAdd;
  request.compare_or_add = 2;
  ASSERT_TRUE(a.queue_pair->post_send(request));
  request.opcode = Opcode::CompareAndSwap;
  request.compare_or_add = 42;
  request.swap = 0x1122334455667788;
  ASSERT_TRUE(a.queue_pair->post_send(request));
  ASSERT_TRUE(a.queue_pair->post_send(request));  // does not match any more
  ASSERT_TRUE(world.run([&] { return a.completed() == 3; }));
  std::uint64_t found;
  std::memcpy(&found, a.memory.data() + 64, 8);
  EXPECT_EQ(found, 0x1122334455667788u);
  std::memcpy(&value, b.memory.data() + 8, 8);
  EXPECT_EQ(value, 0x1122334455667788u);
  EXPECT_EQ(a.done[0].opcode, CompletionOpcode::FetchAndAdd);
  EXPECT_EQ(a.done[2].opcode, CompletionOpcode::CompareAndSwap);
}

TEST(Send, GathersPiecesAndInlineDataAndScattersOnReceive) {
  World world{1};
  Endpoint a(world.add(), 65536);
  Endpoint b(world.add(), 65536);
  a.fill(3);
  join(a, b);
  const verbs::Sge pieces[] = {a.sge(10, 5000), a.sge(0, 0), a.sge(9000, 1), a.sge(20000, 3333)};
  const verbs::Sge places[] = {b.sge(100, 4097), b.sge(30000, 20000)};
  ASSERT_TRUE(b.queue_pair->post_receive({1, places}));
  verbs::SendWorkRequest request;
  request.sg_list = pieces;
  request.signaled = false;
  ASSERT_TRUE(a.queue_pair->post_send(request));
  std::vector<std::byte> expected(a.memory.begin() + 10, a.memory.begin() + 5010);
  expected.push_back(a.memory[9000]);
  expected.insert(expected.end(), a.memory.begin() + 20000, a.memory.begin() + 23333);

  char text[] = "inline";
  const verbs::Sge inlined[] = {{reinterpret_cast<std::uint64_t>(text), 6, 0}};  // no key is looked at
  verbs::SendWorkRequest second;
  second.wr_id = 2;
  second.sg_list = inlined;
  second.inline_data = true;
  ASSERT_TRUE(b.post_receive(2, 60000, 100));
  ASSERT_TRUE(a.queue_pair->post_send(second));
  std::memset(text, 0, sizeof(text));

  ASSERT_TRUE(world.run([&] { return b.completed() == 2 && a.completed() == 1; }));
  EXPECT_EQ(a.done[0].wr_id, 2u);  // the first was not signaled
  std::vector<std::byte> got(b.memory.begin() + 100, b.memory.begin() + 4197);
  got.insert(got.end(), b.memory.begin() + 30000, b.memory.begin() + 30000 + 8334 - 4097);
  EXPECT_EQ(got, expected);
  EXPECT_EQ(std::memcmp(b.memory.data() + 60000, "inline", 6), 0);
}

TEST(Datagrams, CarryTheirHeaderAndSource) {
  World world{1};
  Endpoint a(world.add(), 65536, {}, verbs::QpType::UnreliableDatagram);
  Endpoint b(world.add(), 65536, {}, verbs::QpType::UnreliableDatagram);
  a.fill(4);
  for (Endpoint* end : {&a, &b}) {
    verbs::QpAttributes attributes;
    attributes.qkey = 0x11111111;
    for (const auto state : {verbs::QpState::Init, verbs::QpState::ReadyToReceive, verbs::QpState::ReadyToSend}) {
      attributes.state = state;
      ASSERT_TRUE(end->queue_pair->modify(attributes));
    }
  }
  ASSERT_TRUE(b.post_receive(5, 0, 5000));
  const verbs::Sge list[] = {a.sge(100, 4096)};
  verbs::SendWorkRequest request;
  request.opcode = Opcode::SendWithImmediate;
  request.immediate = 77;
  request.sg_list = list;
  request.destination = verbs::Gid::from_ipv4(b.node.ipv4());
  request.destination_qpn = b.queue_pair->qp_num();
  request.qkey = 0x11111111;
  ASSERT_TRUE(a.queue_pair->post_send(request));
  ASSERT_TRUE(world.run([&] { return a.completed() == 1 && b.completed() == 1; }));
  EXPECT_EQ(b.done[0].byte_len, 4136u);
  EXPECT_EQ(b.done[0].source_qp, a.queue_pair->qp_num());
  EXPECT_EQ(b.done[0].source, verbs::Gid::from_ipv4(a.node.ipv4()));
  EXPECT_EQ(b.done[0].immediate, 77u);
  EXPECT_EQ(b.memory[20], std::byte{0x45});  // the IPv4 header, in the last 20 of 40 bytes
  EXPECT_EQ(std::memcmp(b.memory.data() + 40, a.memory.data() + 100, 4096), 0);

  request.qkey = 5;
  ASSERT_TRUE(b.post_receive(6, 0, 5000));
  ASSERT_TRUE(a.queue_pair->post_send(request));
  request.qkey = 0x11111111;
  request.destination = verbs::Gid::from_ipv4(0x0a0900c8);  // nobody
  ASSERT_TRUE(a.queue_pair->post_send(request));
  ASSERT_TRUE(world.run([&] { return a.completed() == 3; }));
  EXPECT_EQ(b.completed(), 1u);
  EXPECT_EQ(b.node.counters().ud_bad_qkey, 1u);
  EXPECT_EQ(a.node.counters().ud_no_route, 1u);

  // One receive is left; then there is none, and then one that is a byte too short.
  const Counters& counters = b.node.counters();
  request.destination = verbs::Gid::from_ipv4(b.node.ipv4());
  ASSERT_TRUE(a.queue_pair->post_send(request));
  ASSERT_TRUE(a.queue_pair->post_send(request));
  ASSERT_TRUE(world.run([&] { return counters.ud_no_receive == 1; }));
  EXPECT_EQ(b.completed(), 2u);
  ASSERT_TRUE(b.post_receive(7, 0, 4135));
  ASSERT_TRUE(a.queue_pair->post_send(request));
  ASSERT_TRUE(world.run([&] { return counters.ud_too_long == 1; }));
  EXPECT_EQ(b.completed(), 2u);
}

}  // namespace

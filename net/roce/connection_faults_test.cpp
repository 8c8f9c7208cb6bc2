// SPDX-License-Identifier: Apache-2.0
// The connection manager when something happens to just one of its messages: each kind is lost, repeated, or comes
// again long after, in connections that are otherwise sound; messages that cross; peers that are gone. Each time it is
// looked at how the connection ends up, what the users are told, that nothing is left behind, and what is counted.
#include <gtest/gtest.h>

#include <tuple>

#include "net/roce/cm_messages.h"
#include "net/roce/testing/connection_side.h"

namespace {

using namespace roce;
using namespace roce::testing;
using cm::Attribute;

// Of a frame over IPv4 that carries a connection message.
std::optional<Attribute> message_of(const std::vector<std::byte>& frame) {
  constexpr std::size_t mad_at = 14 + 20 + 8 + 12 + 8;
  if (frame.size() != mad_at + cm::mad_bytes + 4) return std::nullopt;
  const auto header = cm::parse_header(std::span(frame).subspan(mad_at, cm::mad_bytes));
  if (!header) return std::nullopt;
  return static_cast<Attribute>(header->attribute);
}

// Accepts everybody, each at an end of its own.
struct Reception final : verbs::ConnectionListener {
  explicit Reception(Node& node_in) : node(node_in) {}
  void requested(base::Own<verbs::ConnectionRequest> incoming) override {
    sides.push_back(std::make_unique<Side>(node));
    sides.back()->requested(std::move(incoming));
  }
  Node& node;
  std::vector<std::unique_ptr<Side>> sides;
};

struct ConnectionFaults : ::testing::Test {
  ConnectionFaults() { EXPECT_TRUE(server.engine().connections().listen(7000, reception)); }

  void connect(Side& side) {
    side.connect(server, 7000);
    ASSERT_TRUE(world.run([&] { return side.established_count > 0; }, 5 * base::second_ns));
    ASSERT_TRUE(world.run([&] { return reception.sides.back()->established_count > 0; }, 5 * base::second_ns));
  }
  static void exchange(World& world, Side& a, Side& b) {
    for (Side* side : {&a, &b}) {
      side->endpoint->poll();
      side->endpoint->done.clear();
      ASSERT_TRUE(side->endpoint->post(1, verbs::Opcode::Send, 0, 3000));
    }
    ASSERT_TRUE(world.run([&] { return a.endpoint->completed() == 2 && b.endpoint->completed() == 2; }));
  }
  void hang_up(Side& a, Side& b) {
    a.connection->disconnect();
    ASSERT_TRUE(world.run([&] { return a.disconnected_count + b.disconnected_count == 2; }, 10 * base::second_ns));
    EXPECT_EQ(a.disconnected_count, 1);
  }
  void expect_nothing_left() {
    world.run_for(10 * base::second_ns);
    for (Node* node : {&client, &server}) EXPECT_EQ(node->engine().next_deadline_ns(), base::never_ns);
  }
  std::uint64_t both(std::uint64_t Counters::*counter) const {
    return client.counters().*counter + server.counters().*counter;
  }

  World world{1};
  Node& client = world.add();
  Node& server = world.add();
  Reception reception{server};
};

constexpr Attribute messages[] = {Attribute::Request, Attribute::Reply, Attribute::ReadyToUse,
                                  Attribute::DisconnectRequest, Attribute::DisconnectReply};

struct EachMessage : ConnectionFaults, ::testing::WithParamInterface<Attribute> {
  // What becomes of the first message of the kind.
  void expect_fate(Fate fate) {
    world.fate = [this, fate](const std::vector<std::byte>& frame) {
      return message_of(frame) == GetParam() && met++ == 0 ? fate : Fate{};
    };
  }
  void expect_one_connection(Side& side) {
    ASSERT_NO_FATAL_FAILURE(connect(side));
    exchange(world, side, *reception.sides[0]);
    ASSERT_NO_FATAL_FAILURE(hang_up(side, *reception.sides[0]));
    expect_nothing_left();
    EXPECT_GE(met, 1u);
    ASSERT_EQ(reception.sides.size(), 1u);
    for (const Side* end : {&side, reception.sides[0].get()}) {
      EXPECT_EQ(end->established_count, 1);
      EXPECT_EQ(end->disconnected_count, 1);
      EXPECT_EQ(end->rejected_count, 0);
    }
    EXPECT_EQ(both(&Counters::cm_established), 2u);
    EXPECT_EQ(both(&Counters::cm_disconnected), 2u);
    EXPECT_EQ(both(&Counters::cm_timeouts), 0u);
  }
  unsigned met = 0;
};

TEST_P(EachMessage, IsLost) {
  expect_fate({.copies = 0});
  Side side{client};
  expect_one_connection(side);
  EXPECT_GE(met, 2u);
  EXPECT_EQ(both(&Counters::cm_retransmits), 1u);
  // An answer is asked for again by a copy of the question.
  const bool question = GetParam() == Attribute::Request || GetParam() == Attribute::DisconnectRequest;
  EXPECT_EQ(both(&Counters::cm_duplicates), question ? 0u : 1u);
}

TEST_P(EachMessage, IsRepeated) {
  expect_fate({.copies = 2});
  Side side{client};
  expect_one_connection(side);
  EXPECT_GE(both(&Counters::cm_duplicates), 1u);
  EXPECT_EQ(both(&Counters::cm_retransmits), 0u);
}

// A copy arrives when its connection is long forgotten, and another one stands between the same two.
TEST_P(EachMessage, ComesAgainLongAfter) {
  constexpr std::uint64_t late_ns = 6 * base::second_ns;
  expect_fate({.copies = 2, .second_later_ns = late_ns});
  Side first{client}, second{client};
  ASSERT_NO_FATAL_FAILURE(connect(first));
  ASSERT_NO_FATAL_FAILURE(hang_up(first, *reception.sides[0]));
  world.run_for(3 * base::second_ns);
  ASSERT_NO_FATAL_FAILURE(connect(second));
  Side& served = *reception.sides[1];
  const std::uint64_t unknown = both(&Counters::cm_unknown_connection);
  world.run_for(late_ns);
  EXPECT_EQ(both(&Counters::cm_unknown_connection), unknown + 1 + (GetParam() == Attribute::Reply ? 1 : 0) +
                                                        (GetParam() == Attribute::DisconnectRequest ? 1 : 0));
  for (const Side* end : {&second, &served}) {
    EXPECT_EQ(end->established_count, 1);
    EXPECT_EQ(end->disconnected_count + end->rejected_count, 0);
  }
  exchange(world, second, served);
  // A request that its sender has forgotten is answered, and then refused by the sender.
  const bool ghost = GetParam() == Attribute::Request;
  ASSERT_EQ(reception.sides.size(), ghost ? 3u : 2u);
  if (ghost) {
    EXPECT_EQ(reception.sides[2]->established_count, 0);
    EXPECT_EQ(reception.sides[2]->rejected_count, 1);
    EXPECT_EQ(reception.sides[2]->endpoint->queue_pair->state(), verbs::QpState::Error);
  }
  ASSERT_NO_FATAL_FAILURE(hang_up(second, served));
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Messages, EachMessage, ::testing::ValuesIn(messages), [](const auto& instance) {
  switch (instance.param) {
    case Attribute::Request:
      return "Request";
    case Attribute::Reply:
      return "Reply";
    case Attribute::ReadyToUse:
      return "ReadyToUse";
    case Attribute::DisconnectRequest:
      return "DisconnectRequest";
    default:
      return "DisconnectReply";
  }
});

// ---- Messages that cross

TEST_F(ConnectionFaults, TheCallerGivesUpWhileTheReplyIsOnItsWay) {
  Side side{client};
  side.connect(server, 7000);
  ASSERT_TRUE(world.run([&] { return !reception.sides.empty(); }));
  side.connection.reset();
  expect_nothing_left();
  EXPECT_EQ(reception.sides[0]->established_count, 0);
  EXPECT_EQ(reception.sides[0]->rejected_count, 1);
  EXPECT_EQ(client.counters().cm_wrong_state, 1u) << "the reply";
  EXPECT_EQ(client.counters().cm_rejects_sent, 1u);
  EXPECT_EQ(server.counters().cm_rejects_received, 1u);
}

TEST_F(ConnectionFaults, TheListenerGivesUpWhileTheLastMessageIsOnItsWay) {
  Side side{client};
  side.connect(server, 7000);
  ASSERT_TRUE(world.run([&] { return side.established_count == 1; }));
  ASSERT_EQ(reception.sides[0]->established_count, 0);
  reception.sides[0]->connection->disconnect();
  expect_nothing_left();
  EXPECT_EQ(side.disconnected_count, 1);
  EXPECT_EQ(reception.sides[0]->established_count, 0);
  EXPECT_EQ(reception.sides[0]->disconnected_count, 1);
  EXPECT_EQ(server.counters().cm_rejects_sent, 1u);
  EXPECT_EQ(server.counters().cm_duplicates, 1u) << "the last message";
}

TEST_F(ConnectionFaults, BothRefuseAtOnce) {
  Side side{client}, refusing{server};
  refusing.auto_accept = false;
  ASSERT_TRUE(server.engine().connections().listen(7001, refusing));
  side.connect(server, 7001);
  ASSERT_TRUE(world.run([&] { return refusing.requested_count == 1; }));
  refusing.request->reject(verbs::RejectReason::Consumer, {});
  side.connection.reset();
  expect_nothing_left();
  EXPECT_EQ(side.established_count + side.rejected_count, 0);
  for (const Node* node : {&client, &server}) {
    EXPECT_EQ(node->counters().cm_rejects_sent, 1u);
    EXPECT_EQ(node->counters().cm_rejects_received, 1u);
    EXPECT_EQ(node->counters().cm_wrong_state, 1u);
  }
}

TEST_F(ConnectionFaults, BothHangUpAtOnce) {
  Side side{client};
  ASSERT_NO_FATAL_FAILURE(connect(side));
  side.connection->disconnect();
  reception.sides[0]->connection->disconnect();
  expect_nothing_left();
  EXPECT_EQ(side.disconnected_count, 1);
  EXPECT_EQ(reception.sides[0]->disconnected_count, 1);
  EXPECT_EQ(both(&Counters::cm_disconnected), 2u);
  EXPECT_EQ(both(&Counters::cm_duplicates), 2u) << "each side's answer to what needed none any more";
}

// ---- Peers that are gone

// It has forgotten everything, and says nothing: the connection ends by its retries, and the next one works.
TEST_F(ConnectionFaults, APeerThatWasSwitchedOffAndOn) {
  Side side{client};
  ASSERT_NO_FATAL_FAILURE(connect(side));
  world.partitioned = true;
  reception.sides.clear();
  server.restart(77);
  world.partitioned = false;
  ASSERT_TRUE(server.engine().connections().listen(7000, reception));
  ASSERT_TRUE(side.endpoint->post(1, verbs::Opcode::Send, 0, 3000));
  ASSERT_TRUE(world.run([&] { return side.endpoint->completed() > 0; }, 40 * base::second_ns));
  EXPECT_EQ(side.endpoint->done[0].status, verbs::CompletionStatus::RetryExceeded);
  EXPECT_EQ(side.endpoint->queue_pair->state(), verbs::QpState::Error);
  EXPECT_EQ(client.counters().retries_exceeded, 1u);
  EXPECT_GT(server.counters().rx_unknown_qp, 0u);
  side.connection->disconnect();
  ASSERT_TRUE(world.run([&] { return side.disconnected_count == 1; }));
  EXPECT_EQ(server.counters().cm_unknown_connection, 1u);
  EXPECT_EQ(client.counters().cm_timeouts, 0u) << "it was told";
  Side again{client};
  ASSERT_NO_FATAL_FAILURE(connect(again));
  exchange(world, again, *reception.sides[0]);
}

TEST_F(ConnectionFaults, APeerThatVanishes) {
  Side side{client};
  ASSERT_NO_FATAL_FAILURE(connect(side));
  world.partitioned = true;
  ASSERT_TRUE(side.endpoint->post(1, verbs::Opcode::Send, 0, 3000));
  ASSERT_TRUE(world.run([&] { return side.endpoint->completed() > 0; }, 40 * base::second_ns));
  EXPECT_EQ(side.endpoint->done[0].status, verbs::CompletionStatus::RetryExceeded);
  EXPECT_EQ(client.counters().retries_exceeded, 1u);
  side.connection->disconnect();
  ASSERT_TRUE(world.run([&] { return side.disconnected_count == 1; }, 20 * base::second_ns));
  EXPECT_EQ(client.counters().cm_timeouts, 1u);
  Side again{client};
  again.connect(server, 7000);
  ASSERT_TRUE(world.run([&] { return again.rejected_count == 1; }, 20 * base::second_ns));
  EXPECT_EQ(again.reason, verbs::RejectReason::Timeout);
  EXPECT_EQ(client.counters().cm_timeouts, 2u);
  EXPECT_GT(client.counters().arp_unanswered, 0u);
}

}  // namespace

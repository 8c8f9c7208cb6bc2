// SPDX-License-Identifier: Apache-2.0
// The connection manager: connecting, refusing and disconnecting, on sound and on bad wires, with peers that take
// their time, change their minds, or are not there. What may happen to one message: connection_faults_test.cpp.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "net/roce/cm_messages.h"
#include "net/roce/limits.h"
#include "net/roce/testing/connection_side.h"
#include "net/roce/testing/raw_peer.h"

namespace {

using namespace roce;
using namespace roce::testing;

struct Connecting : ::testing::Test {
  World world{1};
  Side client{world.add()};
  Side server{world.add()};
  bool both_established() const { return client.established_count > 0 && server.established_count > 0; }
};

TEST_F(Connecting, CarriesPrivateDataAndThenMessages) {
  ASSERT_TRUE(server.node.engine().connections().listen(7000, server));
  client.connect(server.node, 7000);
  ASSERT_TRUE(world.run([&] { return both_established(); }));
  EXPECT_EQ(server.request_data, "hello");
  EXPECT_EQ(client.private_data, "welcome");
  EXPECT_EQ(client.connection->peer(), verbs::Gid::from_ipv4(server.node.ipv4()));

  ASSERT_TRUE(client.endpoint->post(1, verbs::Opcode::Send, 0, 3000));
  ASSERT_TRUE(server.endpoint->post(1, verbs::Opcode::Send, 0, 5000));
  ASSERT_TRUE(world.run([&] { return client.endpoint->completed() == 2 && server.endpoint->completed() == 2; }));

  client.connection->disconnect();
  EXPECT_EQ(client.endpoint->queue_pair->state(), verbs::QpState::Error);
  ASSERT_TRUE(world.run([&] { return client.disconnected_count == 1 && server.disconnected_count == 1; }));
  EXPECT_EQ(server.endpoint->queue_pair->state(), verbs::QpState::Error);
  EXPECT_EQ(server.endpoint->completed(), 2u + 7u);  // the receives that were left are flushed
}

// What librdmacm's listener reads: both addresses in the request's path and before its private data.
TEST_F(Connecting, OverIpv6) {
  cm::Request request;
  std::vector<std::byte> mad;
  client.node.on_transmit = [&](const std::vector<std::byte>& frame) {
    constexpr std::size_t mad_at = 14 + 40 + 8 + 12 + 8;
    if (frame.size() != mad_at + cm::mad_bytes + 4 || !mad.empty()) return;
    mad.assign(frame.begin() + mad_at, frame.end() - 4);
    request = cm::parse<cm::Request>(std::span<const std::byte>(mad).first<cm::mad_bytes>());
  };
  ASSERT_TRUE(server.node.engine().connections().listen(7000, server));
  client.connect(server.node, 7000, Family::Ipv6);
  ASSERT_TRUE(world.run([&] { return both_established(); }));
  EXPECT_EQ(server.request_data, "hello");
  EXPECT_EQ(server.connection->peer(), client.node.gid(Family::Ipv6));
  const auto addresses = cm::parse_ip_addresses(request.private_data);
  ASSERT_TRUE(addresses);
  EXPECT_EQ(addresses->ip_version, 6);
  EXPECT_EQ(addresses->source, client.node.gid(Family::Ipv6));
  EXPECT_EQ(addresses->destination, server.node.gid(Family::Ipv6));
  EXPECT_EQ(request.primary.local_gid, addresses->source);
  EXPECT_EQ(request.primary.remote_gid, addresses->destination);
  ASSERT_TRUE(client.endpoint->post(1, verbs::Opcode::Send, 0, 3000));
  ASSERT_TRUE(server.endpoint->post(1, verbs::Opcode::Send, 0, 5000));
  ASSERT_TRUE(world.run([&] { return client.endpoint->completed() == 2 && server.endpoint->completed() == 2; }));
  client.connection->disconnect();
  ASSERT_TRUE(world.run([&] { return client.disconnected_count == 1 && server.disconnected_count == 1; }));
}

TEST_F(Connecting, NobodyListens) {
  client.connect(server.node, 7001);
  ASSERT_TRUE(world.run([&] { return client.rejected_count == 1; }));
  EXPECT_EQ(client.reason, verbs::RejectReason::InvalidServiceId);
  EXPECT_EQ(server.node.counters().cm_no_listener, 1u);
}

TEST_F(Connecting, TheListenerRefuses) {
  server.auto_accept = false;
  ASSERT_TRUE(server.node.engine().connections().listen(7000, server));
  client.connect(server.node, 7000);
  ASSERT_TRUE(world.run([&] { return server.requested_count == 1; }));
  server.request->reject(verbs::RejectReason::Consumer, bytes_of("go away"));
  ASSERT_TRUE(world.run([&] { return client.rejected_count == 1; }));
  EXPECT_EQ(client.reason, verbs::RejectReason::Consumer);
  EXPECT_EQ(client.private_data, "go away");
  EXPECT_EQ(server.node.counters().cm_rejects_sent, 1u);
  EXPECT_EQ(client.node.counters().cm_rejects_received, 1u);
}

TEST_F(Connecting, NobodyIsThere) {
  world.partitioned = true;
  client.connect(server.node, 7000);
  ASSERT_TRUE(world.run([&] { return client.rejected_count == 1; }, 20 * base::second_ns));
  EXPECT_EQ(client.reason, verbs::RejectReason::Timeout);
  EXPECT_EQ(client.node.counters().cm_retransmits, limits::cm_retries);
  EXPECT_EQ(client.node.counters().cm_timeouts, 1u);
  EXPECT_EQ(client.endpoint->queue_pair->state(), verbs::QpState::Error);
}

TEST_F(Connecting, TheListenerTakesItsTime) {
  server.auto_accept = false;
  ASSERT_TRUE(server.node.engine().connections().listen(7000, server));
  client.connect(server.node, 7000);
  world.run_for(3 * base::second_ns);
  EXPECT_EQ(server.requested_count, 1);  // the copies that came meanwhile were told to wait
  EXPECT_GT(server.node.counters().cm_duplicates, 0u);
  server.accept();
  ASSERT_TRUE(world.run([&] { return both_established(); }));
}

TEST_F(Connecting, AnUndecidedRequestIsRefusedWhenItIsDropped) {
  server.auto_accept = false;
  ASSERT_TRUE(server.node.engine().connections().listen(7000, server));
  client.connect(server.node, 7000);
  ASSERT_TRUE(world.run([&] { return server.requested_count == 1; }));
  server.request.reset();
  ASSERT_TRUE(world.run([&] { return client.rejected_count == 1; }));
}

TEST_F(Connecting, ACallerThatChangesItsMind) {
  server.auto_accept = false;
  ASSERT_TRUE(server.node.engine().connections().listen(7000, server));
  client.connect(server.node, 7000);
  ASSERT_TRUE(world.run([&] { return server.requested_count == 1; }));
  client.connection.reset();
  world.run_for(base::second_ns);
  server.endpoint = std::make_unique<Endpoint>(server.node, 4096);
  const auto accepted = server.request->accept(*server.endpoint->queue_pair, every_access, server, {});
  ASSERT_FALSE(accepted);
  EXPECT_EQ(accepted.error(), Error::Disconnected);
  EXPECT_EQ(client.established_count + client.rejected_count + client.disconnected_count, 0);
}

TEST_F(Connecting, DataStandsForALostLastMessage) {
  ASSERT_TRUE(server.node.engine().connections().listen(7000, server));
  client.connect(server.node, 7000);
  ASSERT_TRUE(world.run([&] { return client.established_count == 1; }));
  // RTU is on the wire: take it away, and send data instead.
  world.forget_frames();
  EXPECT_EQ(server.established_count, 0);
  ASSERT_TRUE(client.endpoint->post(1, verbs::Opcode::Send, 0, 10));
  ASSERT_TRUE(world.run([&] { return server.established_count == 1; }, 100 * base::millisecond_ns));
  ASSERT_TRUE(world.run([&] { return server.endpoint->completed() == 1; }));
}

TEST_F(Connecting, SeveralAtOnceAndBothWays) {
  Side other{client.node};
  Side back{server.node};
  ASSERT_TRUE(server.node.engine().connections().listen(7000, server));
  ASSERT_TRUE(client.node.engine().connections().listen(7000, other));
  EXPECT_EQ(client.node.engine().connections().listen(7000, other).error(), Error::Exists);
  client.connect(server.node, 7000);
  back.connect(client.node, 7000);
  ASSERT_TRUE(world.run([&] { return both_established() && other.established_count && back.established_count; }));
}

TEST_F(Connecting, SmallerPathMtuIsNegotiatedAndALargerOneRefused) {
  Node& narrow = world.add(1500);
  Side side{narrow};
  ASSERT_TRUE(side.node.engine().connections().listen(7000, side));
  ASSERT_TRUE(server.node.engine().connections().listen(7000, server));
  client.connect(narrow, 7000);  // 4096 is too much for it
  ASSERT_TRUE(world.run([&] { return client.rejected_count == 1; }));
  EXPECT_EQ(client.reason, verbs::RejectReason::InvalidMtu);
  side.connect(server.node, 7000);
  ASSERT_TRUE(world.run([&] { return side.established_count == 1; }));
  ASSERT_TRUE(side.endpoint->post(1, verbs::Opcode::Send, 0, 10000));
  ASSERT_TRUE(server.endpoint->post(1, verbs::Opcode::Send, 0, 10000));
  ASSERT_TRUE(world.run([&] { return side.endpoint->completed() == 2 && server.endpoint->completed() == 2; }));
}

TEST_F(Connecting, AThousandTimesWithoutLeavingAnythingBehind) {
  ASSERT_TRUE(server.node.engine().connections().listen(7000, server));
  for (int i = 0; i < 1000; ++i) {
    client.established_count = server.established_count = client.disconnected_count = server.disconnected_count = 0;
    client.connect(server.node, 7000);
    ASSERT_TRUE(world.run([&] { return both_established(); })) << i;
    ASSERT_TRUE(client.endpoint->post(1, verbs::Opcode::Send, 0, 100));
    ASSERT_TRUE(world.run([&] { return client.endpoint->completed() == 1; })) << i;
    Side& first = i % 2 == 0 ? client : server;
    first.connection->disconnect();
    ASSERT_TRUE(world.run([&] { return client.disconnected_count == 1 && server.disconnected_count == 1; })) << i;
    client.connection.reset();
    server.connection.reset();
    client.endpoint.reset();
    server.endpoint.reset();
  }
  world.run_for(10 * base::second_ns);
  EXPECT_EQ(client.node.engine().next_deadline_ns(), base::never_ns);  // nothing is kept for later
  EXPECT_EQ(server.node.engine().next_deadline_ns(), base::never_ns);
  for (const Side* side : {&client, &server}) {
    EXPECT_EQ(side->node.counters().cm_established, 1000u);
    EXPECT_EQ(side->node.counters().cm_disconnected, 1000u);
    EXPECT_EQ(side->node.counters().cm_table_full, 0u);
  }
}

TEST(ConnectingOnABadWire, SucceedsOrSaysWhy) {
  std::map<std::string_view, std::uint64_t> totals;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    World world{seed};
    Side client{world.add()};
    Side server{world.add()};
    world.faults.drop = 200'000;
    world.faults.duplicate = 100'000;
    world.faults.reorder = 200'000;
    world.faults.reorder_delay_ns = 400 * base::millisecond_ns;  // beyond the timers
    world.faults.corrupt = 20'000;
    ASSERT_TRUE(server.node.engine().connections().listen(7000, server));
    for (int i = 0; i < 10; ++i) {
      client.established_count = server.established_count = client.disconnected_count = server.disconnected_count = 0;
      client.connect(server.node, 7000);
      // The server may see a late copy of an older request first; the client's own outcome counts.
      ASSERT_TRUE(world.run([&] { return client.established_count + client.rejected_count > 0; }));
      EXPECT_EQ(client.rejected_count, 0) << static_cast<int>(client.reason);
      ASSERT_TRUE(client.endpoint->post(1, verbs::Opcode::Send, 0, 3000));
      ASSERT_TRUE(world.run([&] { return client.endpoint->completed() >= 1; }));
      EXPECT_EQ(client.endpoint->done[0].status, verbs::CompletionStatus::Success);
      client.connection->disconnect();
      ASSERT_TRUE(world.run([&] { return client.disconnected_count == 1; }));
      client.connection.reset();
    }
    for (const auto& node : world.nodes) {
      for_each_counter(node->counters(), [&](std::string_view name, std::uint64_t value) { totals[name] += value; });
    }
  }
  for (const std::string_view name : {"cm_duplicates", "cm_retransmits", "cm_established"}) {
    EXPECT_GT(totals[name], 0u) << name << " never happened";
  }
}

}  // namespace

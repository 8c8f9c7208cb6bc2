// SPDX-License-Identifier: Apache-2.0
// The connection manager: connecting, refusing and disconnecting, on sound and on bad wires, with peers that repeat
// themselves, cross each other's messages, restart, or are not there.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "net/roce/cm_messages.h"
#include "net/roce/testing/endpoint.h"
#include "net/roce/testing/raw_peer.h"

namespace {

using namespace roce;
using namespace roce::testing;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string text_of(std::span<const std::byte> bytes) {
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.substr(0, text.find('\0'));
}

struct Side final : verbs::ConnectionEvents, verbs::ConnectionListener {
  explicit Side(Node& node_in) : node(node_in) {}
  void established(verbs::Connection&, std::span<const std::byte> data) override {
    ++established_count;
    private_data = text_of(data);
  }
  void rejected(verbs::Connection&, verbs::RejectReason why, std::span<const std::byte> data) override {
    ++rejected_count;
    reason = why;
    private_data = text_of(data);
  }
  void disconnected(verbs::Connection&) override { ++disconnected_count; }
  void requested(base::Own<verbs::ConnectionRequest> incoming) override {
    ++requested_count;
    request_data = text_of(incoming->private_data());
    request = std::move(incoming);
    if (auto_accept) accept();
  }
  void accept() {
    endpoint = std::make_unique<Endpoint>(node, 65536);
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(endpoint->post_receive(100, 0, 65536));
    verbs::ConnectionParameters parameters;
    parameters.private_data = bytes_of("welcome");
    parameters.adaptive_timeout = true;
    auto accepted = request->accept(*endpoint->queue_pair, every_access, *this, parameters);
    ASSERT_TRUE(accepted) << base::error_name(accepted.error());
    connection = std::move(*accepted);
    request.reset();
  }
  void connect(Node& to, std::uint16_t port, Family family = Family::Ipv4) {
    connection.reset();
    endpoint = std::make_unique<Endpoint>(node, 65536);
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(endpoint->post_receive(100, 0, 65536));
    verbs::ConnectionParameters parameters;
    parameters.private_data = bytes_of("hello");
    parameters.adaptive_timeout = true;
    auto connecting = node.engine().connections().connect(*endpoint->queue_pair, every_access, to.gid(family), port,
                                                          *this, parameters);
    ASSERT_TRUE(connecting) << base::error_name(connecting.error());
    connection = std::move(*connecting);
  }

  Node& node;
  std::unique_ptr<Endpoint> endpoint;
  base::Own<verbs::Connection> connection;
  base::Own<verbs::ConnectionRequest> request;
  bool auto_accept = true;
  int established_count = 0;
  int rejected_count = 0;
  int disconnected_count = 0;
  int requested_count = 0;
  verbs::RejectReason reason{};
  std::string private_data;
  std::string request_data;
};

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
}

TEST_F(Connecting, NobodyIsThere) {
  world.partitioned = true;
  client.connect(server.node, 7000);
  ASSERT_TRUE(world.run([&] { return client.rejected_count == 1; }, 20 * base::second_ns));
  EXPECT_EQ(client.reason, verbs::RejectReason::Timeout);
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

TEST_F(Connecting, BothHangUpAtOnce) {
  ASSERT_TRUE(server.node.engine().connections().listen(7000, server));
  client.connect(server.node, 7000);
  ASSERT_TRUE(world.run([&] { return both_established(); }));
  client.connection->disconnect();
  server.connection->disconnect();
  ASSERT_TRUE(world.run([&] { return client.disconnected_count == 1 && server.disconnected_count == 1; }));
  world.run_for(10 * base::second_ns);
  EXPECT_EQ(client.disconnected_count, 1);
  EXPECT_EQ(server.disconnected_count, 1);
}

TEST_F(Connecting, HangingUpOnAPeerThatIsGone) {
  ASSERT_TRUE(server.node.engine().connections().listen(7000, server));
  client.connect(server.node, 7000);
  ASSERT_TRUE(world.run([&] { return both_established(); }));
  world.partitioned = true;
  client.connection->disconnect();
  ASSERT_TRUE(world.run([&] { return client.disconnected_count == 1; }, 20 * base::second_ns));
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

// The other end of the connection manager, by hand.
struct ByHand : ::testing::Test {
  ByHand() { EXPECT_TRUE(server.node.engine().connections().listen(7000, server)); }
  template <typename T>
  void send(const T& message, std::uint64_t transaction = 1) {
    cm::MadHeader header;
    header.transaction = transaction;
    std::array<std::byte, cm::mad_bytes> mad;
    cm::encode(header, message, mad);
    TransportHeaders h;
    h.opcode = opcode::ud_send_only;
    h.qpn = h.source_qpn = 1;
    h.qkey = cm::qkey;
    peer.send(h, mad);
  }
  cm::Request request(std::uint32_t id, std::uint32_t qpn) const {
    cm::Request r;
    r.local_id = id;
    r.local_qpn = qpn;
    r.service_id = cm::tcp_service_base + 7000;
    r.path_mtu = 3;
    r.starting_psn = 0x777777;
    r.responder_resources = 3;
    r.initiator_depth = 5;
    r.local_response_timeout = 16;
    r.max_cm_retries = 3;
    r.primary.local_ack_timeout = 14;
    r.private_data = bytes;
    return r;
  }
  template <typename T>
  T expect() {
    const auto packet = peer.take();
    EXPECT_TRUE(packet);
    if (!packet || packet->payload.size() != cm::mad_bytes) return {};
    const auto mad = std::span<const std::byte>(packet->payload).first<cm::mad_bytes>();
    EXPECT_EQ(packet->headers.qkey, cm::qkey);
    EXPECT_EQ(cm::parse_header(mad)->attribute, static_cast<std::uint16_t>(T::attribute));
    auto message = cm::parse<T>(mad);
    message.private_data = {};
    return message;
  }
  const Counters& counters() const { return server.node.counters(); }

  World world{1};
  Side server{world.add()};
  RawPeer peer{world, server.node};
  std::array<std::byte, cm::Request::private_bytes> bytes{};
};

TEST_F(ByHand, TheReplySaysWhatWasAgreed) {
  send(request(1, 0x50), 77);
  const auto reply = expect<cm::Reply>();
  EXPECT_EQ(reply.remote_id, 1u);
  EXPECT_EQ(reply.local_qpn, server.endpoint->queue_pair->qp_num());
  EXPECT_EQ(reply.responder_resources, 5);
  EXPECT_EQ(reply.initiator_depth, 3);
  // Until the last message it is repeated, the same each time.
  world.run_for(300 * base::millisecond_ns);
  const auto again = expect<cm::Reply>();
  EXPECT_EQ(again.starting_psn, reply.starting_psn);
  send(request(1, 0x50), 77);
  EXPECT_EQ(expect<cm::Reply>().local_id, reply.local_id);
  EXPECT_EQ(server.requested_count, 1);
  cm::ReadyToUse ready;
  ready.local_id = 1;
  ready.remote_id = reply.local_id;
  send(ready);
  send(ready);
  EXPECT_EQ(server.established_count, 1);
  world.run_for(5 * base::second_ns);
  EXPECT_TRUE(peer.silent());
  // What we send begins where the request said.
  ASSERT_TRUE(server.endpoint->post(1, verbs::Opcode::Send, 0, 1));
  EXPECT_EQ(peer.take()->headers.psn, 0x777777u);
}

TEST_F(ByHand, WithoutTheLastMessageItGivesUp) {
  send(request(1, 0x50));
  world.run_for(5 * base::second_ns);
  for (int i = 0; i < 4; ++i) expect<cm::Reply>();
  EXPECT_EQ(expect<cm::Reject>().reason, 4);
  EXPECT_EQ(server.rejected_count, 1);
  EXPECT_EQ(server.endpoint->queue_pair->state(), verbs::QpState::Error);
  world.run_for(5 * base::second_ns);
  EXPECT_EQ(server.node.engine().next_deadline_ns(), base::never_ns);
}

TEST_F(ByHand, APeerThatRestartedFindsItsOldConnectionStale) {
  send(request(1, 0x50), 1);
  const auto reply = expect<cm::Reply>();
  cm::ReadyToUse ready;
  ready.local_id = 1;
  ready.remote_id = reply.local_id;
  send(ready);
  // It has forgotten, and by chance uses the same queue pair number, or even the same id.
  for (const std::uint32_t id : {2u, 1u}) {
    server.disconnected_count = 0;
    send(request(id, 0x50), 1 + id);
    const auto reject = expect<cm::Reject>();
    EXPECT_EQ(reject.remote_id, id);
    EXPECT_EQ(reject.reason, static_cast<std::uint16_t>(verbs::RejectReason::StaleConnection));
    EXPECT_EQ(server.disconnected_count, 1);
    const auto bye = expect<cm::DisconnectRequest>();
    cm::DisconnectReply good_bye;
    good_bye.local_id = bye.remote_id;
    good_bye.remote_id = bye.local_id;
    send(good_bye);
    EXPECT_TRUE(peer.silent());
    // The next attempt works.
    send(request(id, 0x50), 10 + id);
    ready.local_id = id;
    ready.remote_id = expect<cm::Reply>().local_id;
    server.established_count = 0;
    send(ready);
    EXPECT_EQ(server.established_count, 1);
  }
  EXPECT_EQ(counters().cm_stale, 2u);
}

TEST_F(ByHand, AnswersThoseThatItDoesNotKnow) {
  cm::DisconnectRequest bye;
  bye.local_id = 5;
  bye.remote_id = 6;
  send(bye);
  const auto good_bye = expect<cm::DisconnectReply>();
  EXPECT_EQ(good_bye.local_id, 6u);
  EXPECT_EQ(good_bye.remote_id, 5u);
  cm::Reply reply;
  reply.local_id = 5;
  reply.remote_id = 6;
  send(reply);
  EXPECT_EQ(expect<cm::Reject>().reason, 6);
  send(cm::ReadyToUse{});
  send(cm::DisconnectReply{});
  send(cm::Reject{});
  send(cm::MessageReceiptAcknowledgement{});
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(counters().cm_unknown_connection, 6u);
}

TEST_F(ByHand, RefusesWhatItCannotServe) {
  cm::Request r = request(1, 0x50);
  r.path_mtu = 6;
  send(r);
  EXPECT_EQ(expect<cm::Reject>().reason, 26);
  r = request(1, 0x50);
  r.transport = 1;  // unreliable connection
  send(r);
  EXPECT_EQ(expect<cm::Reject>().reason, 9);
  r = request(1, 0x50);
  r.service_id = 7000;
  send(r);
  EXPECT_EQ(expect<cm::Reject>().reason, 8);
  EXPECT_EQ(server.requested_count, 0);
}

TEST_F(ByHand, DropsWhatIsNoConnectionMessage) {
  TransportHeaders h;
  h.opcode = opcode::ud_send_only;
  h.qpn = h.source_qpn = 1;
  h.qkey = 5;
  std::vector<std::byte> mad(cm::mad_bytes);
  peer.send(h, mad);
  EXPECT_EQ(counters().ud_bad_qkey, 1u);
  h.qkey = cm::qkey;
  peer.send(h, mad);
  EXPECT_EQ(counters().cm_bad_class, 1u);
  mad.resize(100);
  peer.send(h, mad);
  EXPECT_EQ(counters().cm_malformed, 1u);
  h.opcode = opcode::rc_send_only;
  peer.send(h, mad);
  EXPECT_EQ(counters().rx_wrong_qp_type, 1u);
  EXPECT_TRUE(peer.silent());
}

TEST_F(ByHand, AFullTableRefusesAndRecovers) {
  server.auto_accept = false;
  std::vector<base::Own<verbs::ConnectionRequest>> kept;
  for (std::uint32_t i = 0; i < 300; ++i) {
    send(request(100 + i, 0x1000 + i), i);
    if (server.request) kept.push_back(std::move(server.request));
  }
  EXPECT_EQ(kept.size(), 256u);
  EXPECT_EQ(counters().cm_table_full, 44u);
  for (int i = 0; i < 44; ++i) EXPECT_EQ(expect<cm::Reject>().reason, 3);
  kept.clear();  // each is rejected
  while (peer.take()) {
  }
  server.auto_accept = true;
  send(request(1, 0x50), 1000);
  expect<cm::Reply>();
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
  EXPECT_EQ(server.node.counters().cm_table_full, 0u);
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

// SPDX-License-Identifier: Apache-2.0
// The connection manager against messages made by hand: repeated, stale, unknown, malformed, too many.
#include "net/roce/cm_messages.h"
#include "net/roce/testing/connection_side.h"
#include "net/roce/testing/raw_peer.h"

namespace {

using namespace roce;
using namespace roce::testing;

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

}  // namespace

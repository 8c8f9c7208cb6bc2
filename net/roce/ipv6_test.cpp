// SPDX-License-Identifier: Apache-2.0
// The engine's second address: everything over IPv6, neighbour discovery in both roles, ping6.
#include <gtest/gtest.h>

#include "net/roce/capture.h"
#include "net/roce/limits.h"
#include "net/roce/neighbor_discovery.h"
#include "net/roce/testing/endpoint.h"
#include "net/roce/testing/raw_peer.h"

namespace {

using namespace roce;
using namespace roce::testing;
using verbs::CompletionStatus;
using verbs::Gid;
using verbs::Opcode;

constexpr std::size_t bytes = 64 << 10;

// Each frame of RoCEv2 must be what the capture tool takes for sound.
void check_frames(Node& node, std::size_t& ipv6, std::size_t& ipv4) {
  node.on_transmit = [&](const std::vector<std::byte>& frame) {
    const FrameReport report = examine({.number = 1, .bytes = frame, .original_bytes = frame.size()});
    EXPECT_NE(report.verdict, Verdict::Fault) << report.text;
    if (report.verdict == Verdict::Sound) ++(frame[12] == std::byte{0x86} ? ipv6 : ipv4);
  };
}

TEST(Ipv6, EveryOperationWorksBesideIpv4) {
  World world{1};
  Endpoint a(world.add(), bytes);
  Endpoint b(world.add(), bytes);
  Endpoint a4(a.node, bytes);
  Endpoint b4(b.node, bytes);
  a.fill(1);
  a4.fill(2);
  b.fill(3);
  std::size_t ipv6 = 0;
  std::size_t ipv4 = 0;
  check_frames(a.node, ipv6, ipv4);
  verbs::QpAttributes attributes;
  attributes.path_mtu = 1024;
  join(a, b, attributes, 0x123456, 0xfffff0, Family::Ipv6);
  join(a4, b4, attributes);
  ASSERT_TRUE(b.post_receive(1, 0, 8192));
  ASSERT_TRUE(b4.post_receive(1, 0, 8192));
  ASSERT_TRUE(a.post(1, Opcode::Send, 0, 5001));
  ASSERT_TRUE(a4.post(1, Opcode::Send, 0, 5001));
  ASSERT_TRUE(a.post(2, Opcode::RdmaWrite, 0, 4096, b.address(20000), b.region->rkey()));
  ASSERT_TRUE(a.post(3, Opcode::RdmaRead, 40000, 4097, b.address(30000), b.region->rkey()));
  ASSERT_TRUE(a.post(4, Opcode::FetchAndAdd, 50000, 8, b.address(32), b.region->rkey()));
  ASSERT_TRUE(world.run([&] { return a.completed() == 4 && a4.completed() == 1 && b.completed() == 1; }));
  for (const auto& completion : a.done) EXPECT_EQ(completion.status, CompletionStatus::Success);
  EXPECT_EQ(std::memcmp(b4.memory.data(), a4.memory.data(), 5001), 0);
  EXPECT_EQ(std::memcmp(b.memory.data() + 20000, a.memory.data(), 4096), 0);
  EXPECT_EQ(std::memcmp(b.memory.data() + 30000, a.memory.data() + 40000, 4097), 0);
  EXPECT_GE(ipv6, 5u + 4 + 1 + 1);
  EXPECT_GE(ipv4, 5u);
  EXPECT_EQ(a.node.counters().neighbor_solicitations_sent, 1u);
  EXPECT_EQ(a.node.counters().neighbor_solicitations_answered, 1u);
  EXPECT_EQ(a.node.counters().retransmits, 0u);
}

TEST(Ipv6, ADatagramIsReceivedBehindItsIpHeader) {
  World world{1};
  Endpoint a(world.add(), bytes, {}, verbs::QpType::UnreliableDatagram);
  Endpoint b(world.add(), bytes, {}, verbs::QpType::UnreliableDatagram);
  verbs::QpAttributes attributes;
  attributes.qkey = 7;
  for (Endpoint* end : {&a, &b}) {
    for (const auto state : {verbs::QpState::Init, verbs::QpState::ReadyToReceive, verbs::QpState::ReadyToSend}) {
      attributes.state = state;
      ASSERT_TRUE(end->queue_pair->modify(attributes));
    }
  }
  a.fill(1);
  ASSERT_TRUE(b.post_receive(1, 0, 1024));
  const verbs::Sge list[] = {a.sge(0, 100)};
  verbs::SendWorkRequest request;
  request.sg_list = list;
  request.destination = b.node.gid(Family::Ipv6);
  request.destination_qpn = b.queue_pair->qp_num();
  request.qkey = 7;
  ASSERT_TRUE(a.queue_pair->post_send(request));
  ASSERT_TRUE(world.run([&] { return b.completed() == 1; }));
  EXPECT_EQ(b.done[0].byte_len, 140u);
  EXPECT_EQ(b.done[0].source, a.node.gid(Family::Ipv6));
  EXPECT_EQ(b.memory[0] >> 4, std::byte{6});
  EXPECT_EQ(std::memcmp(b.memory.data() + 8, a.node.gid(Family::Ipv6).bytes.data(), 16), 0);
  EXPECT_EQ(std::memcmp(b.memory.data() + 40, a.memory.data(), 100), 0);
}

class Ipv6Peer : public ::testing::Test {
 protected:
  World world{1};
  Node& node = world.add();
  RawPeer peer{world, node, 99, Family::Ipv6};
  std::vector<std::vector<std::byte>> sent;

  void record() {
    node.on_transmit = [this](const std::vector<std::byte>& frame) { sent.push_back(frame); };
  }
  Ip header() const {
    Ip ip = peer.ip_header();
    ip.protocol = wire::protocol_icmpv6;
    ip.hop_limit = discovery::hop_limit;
    return ip;
  }
  void send(const Ip& ip, const discovery::Message& message, std::size_t cut = 0, unsigned flip = 0) {
    std::vector<std::byte> body(discovery::message_bytes);
    Writer writer(body);
    discovery::encode(writer, ip, message);
    body.resize(body.size() - cut);
    if (flip != 0) body[flip] ^= std::byte{1};
    peer.send_frame(peer.ip_frame(ip, body));
  }
  // The one advertisement that was sent, with its IP header.
  std::optional<std::pair<Ip, discovery::Message>> advertisement() {
    if (sent.size() != 1) return std::nullopt;
    Reader reader(sent[0]);
    const auto link = parse_link(reader);
    const auto ip = parse_ip(reader, link->ethertype);
    const auto message = discovery::parse(*ip, reader.rest());
    if (!message) return std::nullopt;
    return std::pair(*ip, *message);
  }
};

TEST_F(Ipv6Peer, TheAddressIsTheOneThatLinuxGivesTheStation) {
  // 52:54:00:09:00:01
  const Gid expected{{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x50, 0x54, 0x00, 0xff, 0xfe, 0x09, 0x00, 0x01}};
  EXPECT_EQ(node.gid(Family::Ipv6), expected);
  const MacAddress group{{0x33, 0x33, 0xff, 0x09, 0x00, 0x01}};
  EXPECT_EQ(discovery::group_mac(discovery::solicited_node(expected)), group);
}

TEST_F(Ipv6Peer, WhoAsksIsTold) {
  record();
  Ip ip = header();
  ip.destination = discovery::solicited_node(node.gid(Family::Ipv6));
  send(ip, {.target = node.gid(Family::Ipv6), .mac = peer.mac()});
  const auto answer = advertisement();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->first.destination, peer.gid());
  EXPECT_TRUE(answer->second.solicited);
  EXPECT_TRUE(answer->second.overriding);
  EXPECT_EQ(answer->second.target, node.gid(Family::Ipv6));
  EXPECT_EQ(answer->second.mac, node.mac());
  EXPECT_EQ(node.counters().neighbor_solicitations_answered, 1u);
}

// RFC 4862, 5.4.3: a station checks whether the address that it wants is somebody's.
TEST_F(Ipv6Peer, WhoWantsOurAddressIsToldWhereAllListen) {
  record();
  Ip ip = header();
  ip.source = Gid{};
  ip.destination = discovery::solicited_node(node.gid(Family::Ipv6));
  std::array<std::byte, 24> body{};
  body[0] = std::byte{discovery::solicitation_type};
  std::memcpy(&body[8], node.gid(Family::Ipv6).bytes.data(), 16);
  const base::be16 sum = transport_checksum(ip, body);
  std::memcpy(&body[2], &sum, 2);
  peer.send_frame(peer.ip_frame(ip, body));
  const auto answer = advertisement();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->first.destination, discovery::all_nodes());
  EXPECT_FALSE(answer->second.solicited);
}

TEST_F(Ipv6Peer, UnsoundMessagesAreRefusedAndCounted) {
  record();
  const discovery::Message question = {.target = node.gid(Family::Ipv6), .mac = peer.mac()};
  Ip far = header();
  far.hop_limit = 254;
  send(far, question);
  send(header(), question, 1);
  send(header(), question, 12);
  for (const unsigned byte : {1u, 2u, 9u, 25u, 31u}) send(header(), question, 0, byte);
  Ip nobody = header();
  nobody.source = Gid{};
  send(nobody, question);
  Ip group = header();
  group.source = discovery::all_nodes();
  send(group, question);
  discovery::Message many = question;
  many.target = discovery::all_nodes();
  send(header(), many);
  EXPECT_EQ(node.counters().rx_icmpv6_malformed, 11u);
  EXPECT_TRUE(sent.empty());
}

TEST_F(Ipv6Peer, WhoDoesNotAnswerIsAskedSomeTimes) {
  peer.answers = false;
  Endpoint a(node, bytes);
  verbs::QpAttributes attributes;
  attributes.destination = peer.gid();
  attributes.timeout = 14;
  attributes.retry_count = 1;
  for (const auto state : {verbs::QpState::Init, verbs::QpState::ReadyToReceive, verbs::QpState::ReadyToSend}) {
    attributes.state = state;
    ASSERT_TRUE(a.queue_pair->modify(attributes));
  }
  ASSERT_TRUE(a.post(1, Opcode::Send, 0, 10));
  world.run_for(100 * base::millisecond_ns);
  EXPECT_EQ(node.counters().neighbor_solicitations_sent, 1u);
  ASSERT_TRUE(world.run([&] { return a.completed() == 1; }));
  EXPECT_EQ(a.done[0].status, CompletionStatus::RetryExceeded);
  world.run_for(10 * base::second_ns);
  EXPECT_EQ(node.counters().neighbor_solicitations_sent, limits::arp_tries);
  EXPECT_EQ(node.counters().neighbor_solicitations_unanswered, 1u);
}

TEST_F(Ipv6Peer, AMovedPeerIsFollowedWhenItSaysSo) {
  Endpoint a(node, bytes);
  verbs::QpAttributes attributes;
  attributes.destination = peer.gid();
  for (const auto state : {verbs::QpState::Init, verbs::QpState::ReadyToReceive, verbs::QpState::ReadyToSend}) {
    attributes.state = state;
    ASSERT_TRUE(a.queue_pair->modify(attributes));
  }
  world.run_for(base::millisecond_ns);
  record();
  const MacAddress moved{{2, 2, 2, 2, 2, 2}};
  discovery::Message news = {.type = discovery::advertisement_type, .target = peer.gid(), .mac = moved};
  send(header(), news);
  ASSERT_TRUE(a.post(1, Opcode::Send, 0, 10));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(std::memcmp(sent[0].data(), peer.mac().bytes.data(), 6), 0);
  news.overriding = true;
  send(header(), news);
  ASSERT_TRUE(a.post(2, Opcode::Send, 0, 10));
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(std::memcmp(sent[1].data(), moved.bytes.data(), 6), 0);
}

TEST_F(Ipv6Peer, MappedAddressesInIpv6PacketsAreRefused) {
  Ip ip = header();
  ip.protocol = wire::protocol_udp;
  ip.source = Gid::from_ipv4(0x0a090063);
  ip.destination = node.gid();
  peer.send_frame(peer.ip_frame(ip, std::vector<std::byte>(40)));
  ip.destination = node.gid(Family::Ipv6);
  peer.send_frame(peer.ip_frame(ip, std::vector<std::byte>(40)));
  EXPECT_EQ(node.counters().rx_ip_bad_source, 2u);
}

class Ping : public ::testing::TestWithParam<Family> {};

TEST_P(Ping, IsAnsweredWithTheSameBytes) {
  World world{1};
  Node& node = world.add();
  RawPeer peer(world, node, 99, GetParam());
  std::vector<std::vector<std::byte>> sent;
  node.on_transmit = [&](const std::vector<std::byte>& frame) { sent.push_back(frame); };
  const bool ipv6 = GetParam() == Family::Ipv6;
  for (const std::size_t data : {0u, 1u, 56u, 1400u}) {
    Ip ip = peer.ip_header();
    ip.protocol = ipv6 ? wire::protocol_icmpv6 : wire::protocol_icmp;
    std::vector<std::byte> message(8 + data, std::byte{0x5a});
    message[0] = std::byte{static_cast<unsigned char>(ipv6 ? 128 : 8)};
    message[1] = message[2] = message[3] = std::byte{0};
    const base::be16 sum = ipv6 ? transport_checksum(ip, message) : internet_checksum(message);
    std::memcpy(&message[2], &sum, 2);
    peer.send_frame(peer.ip_frame(ip, message));
    ASSERT_EQ(sent.size(), 1u) << data;
    Reader reader(sent[0]);
    const auto link = parse_link(reader);
    const auto answer = parse_ip(reader, link->ethertype);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->source, node.gid(GetParam()));
    EXPECT_EQ(answer->destination, peer.gid());
    ASSERT_EQ(reader.left(), message.size());
    EXPECT_EQ(reader.rest()[0], std::byte{static_cast<unsigned char>(ipv6 ? 129 : 0)});
    EXPECT_EQ(ipv6 ? transport_checksum(*answer, reader.rest()) : internet_checksum(reader.rest()), 0);
    EXPECT_EQ(std::memcmp(reader.rest().data() + 4, message.data() + 4, 4 + data), 0);
    sent.clear();
    message[2] ^= std::byte{1};
    peer.send_frame(peer.ip_frame(ip, message));
    EXPECT_TRUE(sent.empty());
  }
  EXPECT_EQ(node.counters().icmp_echo_answered, 4u);
  EXPECT_EQ(node.counters().icmp_ignored, 4u);
}

INSTANTIATE_TEST_SUITE_P(Families, Ping, ::testing::Values(Family::Ipv4, Family::Ipv6));

}  // namespace

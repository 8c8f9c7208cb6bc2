// SPDX-License-Identifier: Apache-2.0
// The codec on its own: every opcode over IPv4 and IPv6, every ICRC method, sequence numbers, keys.
#include <gtest/gtest.h>

#include <set>

#include "arch/x86_64/crc_fold.h"
#include "kernel/base/random.h"
#include "net/roce/capture.h"
#include "net/roce/cm_messages.h"
#include "net/roce/frame.h"
#include "net/roce/memory_table.h"
#include "net/roce/packet.h"

namespace {

using namespace roce;

TransportHeaders random_headers(std::uint8_t opcode, base::Random& random) {
  TransportHeaders h;
  const auto word = [&] { return static_cast<std::uint32_t>(random.next()); };
  const auto byte = [&] { return static_cast<std::uint8_t>(random.next()); };
  h.opcode = opcode;
  h.solicited = random.below(2) == 0;
  h.migrated = random.below(2) == 0;
  h.version = byte() & 0xf;
  h.pkey = static_cast<std::uint16_t>(word());
  h.ecn = byte();
  h.qpn = word() & 0xffffff;
  h.acknowledge = random.below(2) == 0;
  h.reserved7 = byte() & 0x7f;
  h.psn = word() & psn_mask;
  h.rdeth = word();
  h.xrceth = word();
  h.feth = word();
  h.qkey = word();
  h.source_qpn = word();
  h.address = random.next();
  h.rkey = word();
  h.length = word();
  h.swap_or_add = random.next();
  h.compare = random.next();
  h.syndrome = byte();
  h.msn = word() & 0xffffff;
  h.original = random.next();
  h.immediate = word();
  h.invalidate = word();
  return h;
}

struct FrameShape {
  bool ipv6 = false;
  bool vlan = false;
  bool checksum = false;
};

CapturedFrame build(const TransportHeaders& headers, std::size_t payload, const FrameShape& shape,
                    base::Random& random) {
  TransportHeaders h = headers;
  const OpcodeInfo* info = find_opcode(h.opcode);
  h.pad = static_cast<std::uint8_t>(-payload & 3);
  const std::size_t datagram = 8 + header_bytes(info) + payload + h.pad + 4;
  Ip ip;
  ip.version = shape.ipv6 ? 6 : 4;
  ip.traffic_class = static_cast<std::uint8_t>(random.next());
  ip.hop_limit = static_cast<std::uint8_t>(random.next());
  ip.identification = static_cast<std::uint16_t>(random.next());
  ip.flow_label = static_cast<std::uint32_t>(random.next()) & 0xfffff;
  ip.source = verbs::Gid::from_ipv4(0x0a000001);
  ip.destination = verbs::Gid::from_ipv4(0x0a000002);
  if (shape.ipv6) {
    for (auto& byte : ip.source.bytes) byte = static_cast<std::uint8_t>(random.next());
    for (auto& byte : ip.destination.bytes) byte = static_cast<std::uint8_t>(random.next());
  }
  CapturedFrame frame;
  frame.bytes.resize(18 + ip.header_bytes() + datagram);
  Writer writer(frame.bytes);
  Link link;
  link.ethertype = shape.ipv6 ? wire::ethertype_ipv6 : wire::ethertype_ipv4;
  if (shape.vlan) link.vlan = 0x6123;
  encode_link(writer, link);
  const std::size_t ip_at = writer.written();
  encode_ip(writer, ip, datagram);
  const std::size_t udp_at = writer.written();
  encode_udp(writer, Udp{0xc123, wire::roce_port, shape.checksum}, datagram - 8);
  encode_headers(writer, h, info);
  for (std::size_t i = 0; i < payload; ++i) writer.put(static_cast<std::uint8_t>(random.next()));
  writer.put_zeros(h.pad);
  const auto packet = std::span(frame.bytes).subspan(ip_at, ip.header_bytes() + datagram);
  writer.put(base::le32(icrc_of(crc_method(CrcMethod::ByteTable), packet)));
  if (shape.checksum) checksum_udp(ip, std::span(frame.bytes).subspan(udp_at, datagram));
  frame.bytes.resize(writer.written());
  frame.original_bytes = frame.bytes.size();
  return frame;
}

TEST(Codec, EveryOpcodeDecodesAndEncodesBitForBit) {
  base::Random random(1);
  std::set<std::string> names;
  for (unsigned opcode = 0; opcode < 256; ++opcode) {
    for (int variant = 0; variant < 8; ++variant) {
      const FrameShape shape{(variant & 1) != 0, (variant & 2) != 0, (variant & 4) != 0};
      const auto headers = random_headers(static_cast<std::uint8_t>(opcode), random);
      std::size_t payload = random.below(200);
      if (find_opcode(headers.opcode) == nullptr) payload &= ~std::size_t{3};
      const CapturedFrame frame = build(headers, payload, shape, random);
      const FrameReport report = examine(frame);
      ASSERT_EQ(report.verdict, Verdict::Sound) << report.text;
      if (variant == 0) names.insert(report.text.substr(20, report.text.find("qpn") - 20));
    }
  }
  EXPECT_TRUE(names.contains("UC SEND First "));
  EXPECT_TRUE(names.contains("UC RDMA WRITE Last "));
  EXPECT_TRUE(names.contains("UD SEND Only "));
  EXPECT_TRUE(names.contains("RD ATOMIC ACK Only "));
  EXPECT_TRUE(names.contains("XRC SEND Last "));
  EXPECT_TRUE(names.contains("CNP "));
  EXPECT_TRUE(names.contains("unknown opcode 0xff "));
}

TEST(Codec, ShortPacketsAreMalformed) {
  for (unsigned opcode = 0; opcode < 256; ++opcode) {
    const OpcodeInfo* info = find_opcode(static_cast<std::uint8_t>(opcode));
    std::vector<std::byte> bytes(64);
    bytes[0] = static_cast<std::byte>(opcode);
    for (std::size_t length = 0; length <= bytes.size(); ++length) {
      const auto packet = parse_packet(std::span(bytes).first(length));
      EXPECT_EQ(packet.has_value(), length >= header_bytes(info) + 4 && length % 4 == 0) << opcode << " " << length;
    }
  }
}

TEST(Icrc, MethodsAgree) {
  base::Random random(3);
  std::vector<std::byte> bytes(5000);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random.next());
  for (int i = 0; i < 3000; ++i) {
    const std::size_t start = random.below(64);
    const std::size_t length = random.below(i % 10 == 0 ? 4900 : 100);
    const auto state = static_cast<std::uint32_t>(random.next());
    std::uint32_t expected = state;
    for (std::size_t j = 0; j < length; ++j) {  // bit by bit
      expected ^= std::to_integer<std::uint32_t>(bytes[start + j]);
      for (int bit = 0; bit < 8; ++bit) expected = (expected >> 1) ^ ((expected & 1) != 0 ? 0xedb88320u : 0u);
    }
    for (const CrcMethodInfo& info : crc_methods()) {
      ASSERT_EQ(info.update(state, bytes.data() + start, length), expected) << info.name;
    }
  }
  const char text[] = "123456789";
  EXPECT_EQ(~crc_method(CrcMethod::SliceBy8).update(~0u, reinterpret_cast<const std::byte*>(text), 9), 0xcbf43926u);
}

// Payload comes in pieces, each wherever it lies.
TEST(Icrc, OfPiecesIsThatOfTheWhole) {
  base::Random random(8);
  std::vector<std::byte> bytes(4200);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random.next());
  for (const CrcMethodInfo& info : crc_methods()) {
    for (int round = 0; round < 300; ++round) {
      const std::size_t length = random.below(bytes.size() + 1);
      std::uint32_t state = icrc_seed;
      for (std::size_t at = 0; at < length;) {
        const std::size_t piece = std::min<std::size_t>(length - at, random.below(round % 2 == 0 ? 700 : 4200) + 1);
        state = info.update(state, bytes.data() + at, piece);
        at += piece;
      }
      ASSERT_EQ(state, crc_method(CrcMethod::ByteTable).update(icrc_seed, bytes.data(), length)) << info.name;
    }
  }
}

TEST(Icrc, EveryMethodIsTimedThatTheCpuHas) {
  const auto methods = crc_methods();
  EXPECT_EQ(methods.size(), arch::can_fold_crc() ? 5u : 4u);
  EXPECT_EQ(crc_method(CrcMethod::CarryLess).method,
            arch::can_fold_crc() ? CrcMethod::CarryLess : CrcMethod::ByteTable);
}

TEST(PsnArithmetic, WrapsAt24Bits) {
  EXPECT_EQ(psn_add(psn_mask, 1), 0u);
  EXPECT_EQ(psn_add(5, psn_mask), 4u);
  EXPECT_EQ(psn_distance(3, 0xfffffe), 5);
  EXPECT_EQ(psn_distance(0xfffffe, 3), -5);
  EXPECT_EQ(psn_distance(0x7fffff, 0), 0x7fffff);
  EXPECT_EQ(psn_distance(0x800000, 0), -0x800000);
}

TEST(Keys, StayStaleWhileTheirPlaceIsUsedAgain) {
  base::Random random(4);
  MemoryTable table;
  ASSERT_TRUE(table.initialize(4, random));
  const int domain = 0;
  std::set<std::uint32_t> old;
  std::vector<std::uint32_t> live;
  for (int i = 0; i < 1000; ++i) {
    if (live.size() == 4) {
      EXPECT_EQ(table.add(&domain, 0x1000, 100, verbs::Access::None).error(), Error::Exhausted);
      const std::size_t at = random.below(4);
      table.remove(live[at]);
      old.insert(live[at]);
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(at));
    }
    live.push_back(table.add(&domain, 0x1000, 100, verbs::Access::None).value());
    ASSERT_FALSE(old.contains(live.back()));
  }
  for (const std::uint32_t key : old) {
    EXPECT_EQ(table.check(key, &domain, 0x1000, 1, verbs::Access::None), MemoryFault::Key);
  }
  const std::uint32_t key = live[0];
  EXPECT_EQ(table.check(key, &domain, 0x1000, 100, verbs::Access::None), MemoryFault::None);
  EXPECT_EQ(table.check(key, &domain, 0x1000, 101, verbs::Access::None), MemoryFault::Bounds);
  EXPECT_EQ(table.check(key, &domain, 0x0fff, 1, verbs::Access::None), MemoryFault::Bounds);
  EXPECT_EQ(table.check(key, &domain, 0x1064, 1, verbs::Access::None), MemoryFault::Bounds);
  EXPECT_EQ(table.check(key, &domain, ~std::uint64_t{0}, 2, verbs::Access::None), MemoryFault::Bounds);
  EXPECT_EQ(table.check(key, &domain, 0x1000, ~std::uint64_t{0}, verbs::Access::None), MemoryFault::Bounds);
  EXPECT_EQ(table.check(key, &domain, 0x1000, 1, verbs::Access::LocalWrite), MemoryFault::Access);
  EXPECT_EQ(table.check(key, &random, 0x1000, 1, verbs::Access::None), MemoryFault::Domain);
  EXPECT_FALSE(table.add(&domain, ~std::uint64_t{0}, 2, verbs::Access::None));
  EXPECT_FALSE(table.add(&domain, 0, 2, verbs::Access::RemoteWrite));  // writable for a peer, but not for us
}

template <typename T>
void expect_round_trip(base::Random& random) {
  std::array<std::byte, cm::mad_bytes> mad;
  for (int i = 0; i < 200; ++i) {
    for (auto& byte : mad) byte = static_cast<std::byte>(random.next());
    // Whatever is in the fields survives; what is reserved becomes zero, once.
    std::array<std::byte, cm::mad_bytes> once;
    std::array<std::byte, cm::mad_bytes> twice;
    cm::encode(cm::parse_header(mad).value(), cm::parse<T>(mad), once);
    cm::encode(cm::parse_header(once).value(), cm::parse<T>(once), twice);
    EXPECT_EQ(once, twice);
    std::size_t lost = 0;
    for (std::size_t j = 0; j < mad.size(); ++j) {
      lost += (once[j] | mad[j]) == mad[j] || j == 16 || j == 17 ? 0 : 1;  // the attribute is filled in
    }
    EXPECT_EQ(lost, 0u);
  }
}

TEST(ConnectionMessages, KeepTheirFields) {
  base::Random random(5);
  expect_round_trip<cm::Request>(random);
  expect_round_trip<cm::MessageReceiptAcknowledgement>(random);
  expect_round_trip<cm::Reject>(random);
  expect_round_trip<cm::Reply>(random);
  expect_round_trip<cm::ReadyToUse>(random);
  expect_round_trip<cm::DisconnectRequest>(random);
  expect_round_trip<cm::DisconnectReply>(random);
}

}  // namespace

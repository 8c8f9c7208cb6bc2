// SPDX-License-Identifier: Apache-2.0
// Ports with the RoCE engine in QEMU: one machine reads and writes another's memory, and a server answers ARP and ping.
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <optional>
#include <thread>

#include "tests/rack/harness/qemu.h"
#include "tests/rack/harness/wire.h"
#include "tools/support/folder.h"

namespace port_test {
namespace {

using harness::Frame;
using harness::Qemu;

constexpr const char* server_address = "0x0a000001";
constexpr const char* client_address = "0x0a000002";

std::vector<std::string> machine(const std::string& netdev, unsigned number, const std::string& options,
                                 unsigned cores) {
  return {"-M",      "q35",
          "-smp",    std::to_string(cores) + ",maxcpus=4",
          "-netdev", netdev,
          "-device", "virtio-net-pci,netdev=n0,host_mtu=4200,mac=52:54:00:00:00:0" + std::to_string(number),
          "-append", options};
}

struct Shape {
  const char* name;
  unsigned cores;
  bool spin;
};
void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }

class PortTest : public testing::TestWithParam<Shape> {
 protected:
  std::string netdev(const std::string& ours, const std::string& theirs) const {
    return "dgram,id=n0,local.type=unix,local.path=" + (folder.path() / ours).string() +
           ",remote.type=unix,remote.path=" + (folder.path() / theirs).string();
  }
  support::Folder folder;
};

TEST_P(PortTest, ClientReadsAndWritesPagesOfAServer) {
  Qemu server(PORT_IMAGE, machine(netdev("s", "c"), 1, std::string("role=server address=") + server_address, 1));
  ASSERT_TRUE(server.wait_for("serving")) << server.console();
  const std::string options = std::string("role=client address=") + client_address + " server=" + server_address +
                              (GetParam().spin ? " spin" : "");
  Qemu client(PORT_IMAGE, machine(netdev("c", "s"), 2, options, GetParam().cores));
  ASSERT_TRUE(client.wait_for("client: all is well", 120)) << client.console() << server.console();
  EXPECT_TRUE(server.wait_for("disconnected", 10)) << server.console();
  std::cout << client.console();
  const double before = client.cpu_seconds() + server.cpu_seconds();
  std::this_thread::sleep_for(std::chrono::seconds(2));
  EXPECT_LT(client.cpu_seconds() + server.cpu_seconds() - before, 0.6) << "both sleep when nothing happens";
}

INSTANTIATE_TEST_SUITE_P(All, PortTest,
                         testing::Values(Shape{"one_core", 1, false}, Shape{"two_cores", 2, false},
                                         Shape{"one_core_spinning", 1, true}, Shape{"two_cores_spinning", 2, true}),
                         [](const auto& each) { return std::string(each.param.name); });

void append(Frame& frame, std::initializer_list<unsigned> bytes) {
  for (const unsigned byte : bytes) frame.push_back(static_cast<std::byte>(byte));
}

std::uint16_t checksum(std::span<const std::byte> bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    sum += std::to_integer<std::uint32_t>(bytes[i]) << 8 | std::to_integer<std::uint32_t>(bytes[i + 1]);
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

TEST(Server, AnswersArpAndPing) {
  const support::Folder folder;
  const auto wire = harness::make_stream_wire(folder.path());
  Qemu server(PORT_IMAGE, machine(wire->netdev(), 1, std::string("role=server address=") + server_address, 2));
  ASSERT_TRUE(server.wait_for("serving")) << server.console();
  wire->connect();

  Frame question;
  append(question, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 8, 6});
  append(question, {0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1});
  wire->send(question);
  const auto answer = wire->receive();
  ASSERT_TRUE(answer) << server.console();
  ASSERT_GE(answer->size(), 42u);
  Frame expected;
  append(expected, {2, 0, 0, 0, 0, 9, 0x52, 0x54, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2});
  append(expected, {0x52, 0x54, 0, 0, 0, 1, 10, 0, 0, 1, 2, 0, 0, 0, 0, 9, 10, 0, 0, 9});
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), answer->begin()));

  Frame ping;
  append(ping, {0x52, 0x54, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0});
  append(ping, {0x45, 0, 0, 84, 0, 1, 0, 0, 64, 1, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1});
  append(ping, {8, 0, 0, 0, 0x12, 0x34, 0, 1});
  for (unsigned i = 0; i < 56; ++i) append(ping, {i});
  const auto put = [&](std::size_t at, std::uint16_t sum) {
    ping[at] = static_cast<std::byte>(sum >> 8);
    ping[at + 1] = static_cast<std::byte>(sum);
  };
  put(24, checksum(std::span(ping).subspan(14, 20)));
  put(36, checksum(std::span(ping).subspan(34)));
  wire->send(ping);
  const auto pong = wire->receive();
  ASSERT_TRUE(pong) << server.console();
  ASSERT_EQ(pong->size(), ping.size());
  EXPECT_EQ((*pong)[34], std::byte{0}) << "echo reply";
  EXPECT_EQ(checksum(std::span(*pong).subspan(34)), 0);
  EXPECT_TRUE(std::equal(ping.begin() + 38, ping.end(), pong->begin() + 38));
}

}  // namespace
}  // namespace port_test

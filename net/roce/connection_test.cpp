// SPDX-License-Identifier: Apache-2.0
// The connection manager: connecting, refusing and disconnecting, on sound and on bad wires, with peers that repeat
// themselves, cross each other's messages, restart, or are not there.
#include <gtest/gtest.h>

#include <string>

#include "net/roce/testing/endpoint.h"

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
    auto accepted = request->accept(*endpoint->queue_pair, every_access, *this, parameters);
    ASSERT_TRUE(accepted) << base::error_name(accepted.error());
    connection = std::move(*accepted);
    request.reset();
  }
  void connect(Node& to, std::uint16_t port) {
    connection.reset();
    endpoint = std::make_unique<Endpoint>(node, 65536);
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(endpoint->post_receive(100, 0, 65536));
    verbs::ConnectionParameters parameters;
    parameters.private_data = bytes_of("hello");
    auto connecting = node.engine().connections().connect(*endpoint->queue_pair, every_access,
                                                          verbs::Gid::from_ipv4(to.ipv4()), port, *this, parameters);
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

}  // namespace

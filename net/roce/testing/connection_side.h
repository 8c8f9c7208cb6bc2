// SPDX-License-Identifier: Apache-2.0
// One end of connections, for tests: listens, accepts, connects, and counts what it is told.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "net/roce/testing/endpoint.h"

namespace roce::testing {

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

inline std::string text_of(std::span<const std::byte> bytes) {
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

}  // namespace roce::testing

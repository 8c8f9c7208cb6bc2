// SPDX-License-Identifier: Apache-2.0
// Two engines over a socket pair: a connection, messages both ways under back-pressure, and a wire that breaks.
#include "net/roce_socket/roce_port.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>
#include <vector>

namespace roce_socket {
namespace {

using base::Own;

constexpr verbs::Access access = verbs::Access::LocalWrite | verbs::Access::RemoteWrite;

struct Machine final : verbs::ConnectionListener, verbs::ConnectionEvents {
  Machine(poll_loop::PollLoop& loop, int fd, unsigned number) : memory(1 << 20) {
    roce::EngineConfig config;
    config.mac = {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(number)}};
    config.ipv4 = 0x0a4d0000 + number;
    config.prefix_length = 16;
    config.link_mtu = 4200;
    config.seed = number;
    port = std::move(*RocePort::create(loop, lock, ether_socket::EtherSocket(fd), config, [this] { ++lost; }));
    auto& device = port->engine().device();
    domain = std::move(*device.allocate_protection_domain());
    completions = std::move(*device.create_completion_queue(256));
    region = std::move(*domain->register_memory(address(0), memory.size(), access));
    verbs::QpInitAttributes attributes;
    attributes.send_cq = attributes.recv_cq = completions.get();
    queue_pair = std::move(*device.create_queue_pair(*domain, attributes));
  }
  ~Machine() {
    const base::SpinGuard guard(lock);
    connection.reset();
    queue_pair.reset();
    region.reset();
    completions.reset();
    domain.reset();
  }
  std::uint64_t address(std::size_t offset) const { return reinterpret_cast<std::uint64_t>(memory.data()) + offset; }
  void post_receive(std::size_t offset, std::uint32_t bytes) {
    const verbs::Sge list[] = {{address(offset), bytes, region->lkey()}};
    ASSERT_TRUE(queue_pair->post_receive({1, list}));
  }
  void post_send(std::size_t offset, std::uint32_t bytes) {
    const base::SpinGuard guard(lock);
    const verbs::Sge list[] = {{address(offset), bytes, region->lkey()}};
    verbs::SendWorkRequest request;
    request.sg_list = list;
    ASSERT_TRUE(queue_pair->post_send(request));
  }
  std::size_t take_completions() {
    const base::SpinGuard guard(lock);
    verbs::WorkCompletion done[64];
    const std::size_t count = completions->poll(done);
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(done[i].status, verbs::CompletionStatus::Success);
    return count;
  }

  void requested(Own<verbs::ConnectionRequest> request) override {
    auto accepted = request->accept(*queue_pair, access, *this, {});
    ASSERT_TRUE(accepted);
    connection = std::move(*accepted);
  }
  void established(verbs::Connection&, std::span<const std::byte>) override { ready = true; }
  void rejected(verbs::Connection&, verbs::RejectReason, std::span<const std::byte>) override { FAIL(); }
  void disconnected(verbs::Connection&) override {}

  base::SpinLock lock{base::LockRank::Rpc};
  std::vector<std::byte> memory;
  std::unique_ptr<RocePort> port;
  Own<verbs::ProtectionDomain> domain;
  Own<verbs::CompletionQueue> completions;
  Own<verbs::MemoryRegion> region;
  Own<verbs::QueuePair> queue_pair;
  Own<verbs::Connection> connection;
  bool ready = false;
  unsigned lost = 0;
};

class Ports : public testing::Test {
 protected:
  Ports() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    a = std::make_unique<Machine>(loop, ends[0], 1);
    b = std::make_unique<Machine>(loop, ends[1], 2);
  }
  template <typename Predicate>
  void turn_until(Predicate predicate) {
    while (!predicate()) loop.run_once();
  }
  poll_loop::MonotonicClock clock;
  base::EventLoop events{clock};
  poll_loop::PollLoop loop{events};
  std::unique_ptr<Machine> a;
  std::unique_ptr<Machine> b;
};

TEST_F(Ports, ConnectAndCarryMessagesLargerThanTheSocketHolds) {
  constexpr std::uint32_t bytes = 900000;
  for (std::size_t i = 0; i < bytes; ++i) a->memory[i] = static_cast<std::byte>(i * 7 + i / 4096);
  b->post_receive(0, bytes);
  a->post_receive(0, 1);
  {
    const base::SpinGuard guard(b->lock);
    ASSERT_TRUE(b->port->engine().connections().listen(7000, *b));
  }
  {
    const base::SpinGuard guard(a->lock);
    auto made = a->port->engine().connections().connect(*a->queue_pair, access, verbs::Gid::from_ipv4(0x0a4d0002), 7000,
                                                        *a, {});
    ASSERT_TRUE(made);
    a->connection = std::move(*made);
  }
  turn_until([&] { return a->ready && b->ready; });
  a->post_send(0, bytes);
  turn_until([&] { return b->take_completions() == 1; });
  EXPECT_EQ(std::memcmp(a->memory.data(), b->memory.data(), bytes), 0);
  turn_until([&] { return a->take_completions() == 1; });
  EXPECT_GT(a->port->counters().tx_frames, bytes / 4096);
}

TEST_F(Ports, SayOnceThatTheWireIsGone) {
  b.reset();
  turn_until([&] { return a->lost > 0; });
  EXPECT_EQ(a->lost, 1u);
}

}  // namespace
}  // namespace roce_socket

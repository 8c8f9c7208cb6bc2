// SPDX-License-Identifier: Apache-2.0
// net/ibverbs on a real device: runs in the Linux guest, on rxe0, whose port reaches itself (ibverbs_test.cpp starts
// it). What net/verbs promises its users is asked of it: receives before a connection, private data, every operation,
// notification, refusals, flushes, states.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "net/ibverbs/ib_port.h"

namespace ibverbs {
namespace {

using verbs::Access;
using verbs::CompletionOpcode;
using verbs::CompletionStatus;
using verbs::Opcode;
using verbs::QpState;

constexpr std::uint32_t own_ip = 0x0a4d0801;  // PeerConfig's
constexpr std::uint16_t port = 7600;
constexpr Access every_access = Access::LocalWrite | Access::RemoteWrite | Access::RemoteRead | Access::RemoteAtomic;

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// One end of a connection.
struct End final : verbs::ConnectionEvents {
  End(verbs::Device& device, std::size_t bytes = 65536) : memory(bytes) {
    domain = std::move(device.allocate_protection_domain().value());
    completions = std::move(device.create_completion_queue(128).value());
    region = std::move(domain->register_memory(address(0), bytes, every_access).value());
    verbs::QpInitAttributes attributes;
    attributes.send_cq = attributes.recv_cq = completions.get();
    attributes.capabilities.max_send_wr = attributes.capabilities.max_recv_wr = 16;
    queue_pair = std::move(device.create_queue_pair(*domain, attributes).value());
  }
  void established(verbs::Connection&, std::span<const std::byte> data) override {
    connected = true;
    private_data.assign(data.begin(), data.end());
  }
  void rejected(verbs::Connection&, verbs::RejectReason why, std::span<const std::byte> data) override {
    ended = true;
    reason = why;
    private_data.assign(data.begin(), data.end());
  }
  void disconnected(verbs::Connection&) override { ended = true; }

  std::uint64_t address(std::size_t offset) { return reinterpret_cast<std::uint64_t>(memory.data() + offset); }
  verbs::Sge piece(std::size_t offset, std::size_t length) {
    return {address(offset), static_cast<std::uint32_t>(length), region->lkey()};
  }
  void write(std::size_t offset, const std::string& text) {
    std::memcpy(memory.data() + offset, text.data(), text.size());
  }
  std::string read(std::size_t offset, std::size_t length) {
    return {reinterpret_cast<const char*>(memory.data()) + offset, length};
  }
  Result<> receive(std::uint64_t id, std::size_t offset, std::size_t length) {
    const verbs::Sge list[] = {piece(offset, length)};
    return queue_pair->post_receive({id, list});
  }
  // `local` stays where it is.
  verbs::SendWorkRequest request(Opcode opcode, const verbs::Sge& local) {
    verbs::SendWorkRequest work;
    work.wr_id = 77;
    work.opcode = opcode;
    work.sg_list = std::span(&local, 1);
    return work;
  }
  bool holds(const std::string& text) const {
    return private_data.size() >= text.size() && std::memcmp(private_data.data(), text.data(), text.size()) == 0;
  }

  std::vector<std::byte> memory;
  base::Own<verbs::ProtectionDomain> domain;
  base::Own<verbs::CompletionQueue> completions;
  base::Own<verbs::MemoryRegion> region;
  base::Own<verbs::QueuePair> queue_pair;
  base::Own<verbs::Connection> connection;
  std::vector<std::byte> private_data;
  verbs::RejectReason reason{};
  bool connected = false;
  bool ended = false;
};

class OnRxe : public testing::Test, protected verbs::ConnectionListener, private base::Timer {
 protected:
  void SetUp() override {
    auto opened = IbPort::open(loop, lock, "rxe0", verbs::Gid::from_ipv4(own_ip), [] {});
    ASSERT_TRUE(opened);
    fabric = std::move(*opened);
    ASSERT_TRUE(connections().listen(port, *this));
  }
  void TearDown() override {
    client.reset();
    server.reset();
    pending = {};
    if (fabric) connections().unlisten(port);
    cancel();
  }
  verbs::Device& device() { return fabric->device(); }
  verbs::ConnectionManager& connections() { return fabric->connections(); }

  // base::Timer: looks at the condition every now and then, whatever happens.
  void expired() override { events.arm(*this, clock.now_ns() + 20 * base::millisecond_ns); }
  template <typename Condition>
  bool until(Condition condition) {
    const std::uint64_t limit_ns = clock.now_ns() + 60 * base::second_ns;
    expired();
    while (!condition()) {
      if (clock.now_ns() > limit_ns) return false;
      loop.run_once();
    }
    return true;
  }
  verbs::WorkCompletion completion(End& end) {
    verbs::WorkCompletion next;
    EXPECT_TRUE(until([&] { return end.completions->poll(std::span(&next, 1)) == 1; }));
    return next;
  }

  void requested(base::Own<verbs::ConnectionRequest> request) override {
    pending.assign(request->private_data().begin(), request->private_data().end());
    EXPECT_EQ(request->peer(), device().gid());
    if (refuse) return request->reject(verbs::RejectReason::Consumer, answer);
    verbs::ConnectionParameters parameters;
    parameters.private_data = answer;
    auto accepted = request->accept(*server->queue_pair, every_access, *server, parameters);
    ASSERT_TRUE(accepted);
    server->connection = std::move(*accepted);
  }
  void make_ends() {
    client.reset();
    server.reset();
    client = std::make_unique<End>(device());
    server = std::make_unique<End>(device());
  }
  void begin(std::uint16_t to = port) {
    const auto hello = bytes_of("hello");
    verbs::ConnectionParameters parameters;
    parameters.private_data = hello;
    parameters.adaptive_timeout = true;
    auto connection = connections().connect(*client->queue_pair, every_access, device().gid(), to, *client, parameters);
    ASSERT_TRUE(connection);
    client->connection = std::move(*connection);
  }
  void connect() {
    make_ends();
    for (std::uint64_t id = 0; id < 4; ++id) {
      ASSERT_TRUE(client->receive(id, 1024 * id, 1024));
      ASSERT_TRUE(server->receive(id, 1024 * id, 1024));
    }
    begin();
    ASSERT_TRUE(until([this] { return client->connected && server->connected; }));
  }

  poll_loop::MonotonicClock clock;
  base::EventLoop events{clock};
  poll_loop::PollLoop loop{events};
  base::SpinLock lock{base::LockRank::Rpc};
  std::unique_ptr<linux_node::Fabric> fabric;
  std::unique_ptr<End> client, server;
  std::vector<std::byte> pending, answer = bytes_of("welcome");
  bool refuse = false;
};

TEST_F(OnRxe, SaysWhatIsMissing) {
  EXPECT_EQ(IbDevice::open("rxe7", verbs::Gid::from_ipv4(own_ip)).error(), Error::NoDevice);
  EXPECT_EQ(IbDevice::open("rxe0:2", verbs::Gid::from_ipv4(own_ip)).error(), Error::NoDevice);
  EXPECT_EQ(IbDevice::open("rxe0", verbs::Gid::from_ipv4(own_ip + 1)).error(), Error::NotFound);
  EXPECT_EQ(device().gid(), verbs::Gid::from_ipv4(own_ip));
  EXPECT_EQ(device().active_mtu(), 4096u);
  EXPECT_EQ(connections().listen(port, *this).error(), Error::Exists);
}

TEST_F(OnRxe, ConnectsWithPrivateDataAndReceivesPostedBefore) {
  connect();
  EXPECT_EQ(std::memcmp(pending.data(), "hello", 5), 0);
  EXPECT_TRUE(client->holds("welcome"));
  EXPECT_EQ(client->queue_pair->state(), QpState::ReadyToSend);
  EXPECT_EQ(server->connection->peer(), device().gid());
  client->write(8000, "a message");
  const verbs::Sge local = client->piece(8000, 9);
  auto work = client->request(Opcode::SendWithImmediate, local);
  work.immediate = 0x12345678;
  ASSERT_TRUE(client->queue_pair->post_send(work));
  EXPECT_EQ(completion(*client).status, CompletionStatus::Success);
  const verbs::WorkCompletion received = completion(*server);
  EXPECT_EQ(received.opcode, CompletionOpcode::Receive);
  EXPECT_EQ(received.wr_id, 0u);
  EXPECT_EQ(received.byte_len, 9u);
  EXPECT_TRUE(received.has_immediate);
  EXPECT_EQ(received.immediate, 0x12345678u);
  EXPECT_EQ(server->read(0, 9), "a message");
}

TEST_F(OnRxe, ReadsWritesAndChangesRemoteMemory) {
  connect();
  const auto perform = [this](Opcode opcode, std::size_t local_offset, std::size_t length, std::size_t remote_offset,
                              std::uint64_t compare_or_add = 0, std::uint64_t swap = 0) {
    const verbs::Sge local = client->piece(local_offset, length);
    auto work = client->request(opcode, local);
    work.remote_address = server->address(remote_offset);
    work.rkey = server->region->rkey();
    work.immediate = 5;
    work.compare_or_add = compare_or_add;
    work.swap = swap;
    EXPECT_TRUE(client->queue_pair->post_send(work));
    const verbs::WorkCompletion done = completion(*client);
    EXPECT_EQ(done.status, CompletionStatus::Success);
    EXPECT_EQ(done.wr_id, 77u);
    return done.opcode;
  };
  const std::string page(20000, 'x');
  client->write(8192, page);
  EXPECT_EQ(perform(Opcode::RdmaWrite, 8192, page.size(), 30000), CompletionOpcode::RdmaWrite);
  EXPECT_EQ(server->read(30000, page.size()), page);
  server->write(30000, "theirs");
  EXPECT_EQ(perform(Opcode::RdmaRead, 40000, page.size(), 30000), CompletionOpcode::RdmaRead);
  EXPECT_EQ(client->read(40000, 7), "theirsx");
  EXPECT_EQ(perform(Opcode::RdmaWriteWithImmediate, 8192, 4, 30000), CompletionOpcode::RdmaWrite);
  const verbs::WorkCompletion told = completion(*server);
  EXPECT_EQ(told.opcode, CompletionOpcode::ReceiveRdmaWithImmediate);
  EXPECT_EQ(told.immediate, 5u);
  std::uint64_t number = 40;
  std::memcpy(server->memory.data() + 60000, &number, sizeof number);
  EXPECT_EQ(perform(Opcode::FetchAndAdd, 8192, 8, 60000, 2), CompletionOpcode::FetchAndAdd);
  EXPECT_EQ(perform(Opcode::CompareAndSwap, 8200, 8, 60000, 42, 7), CompletionOpcode::CompareAndSwap);
  std::memcpy(&number, client->memory.data() + 8192, sizeof number);
  EXPECT_EQ(number, 40u);
  std::memcpy(&number, client->memory.data() + 8200, sizeof number);
  EXPECT_EQ(number, 42u);
  std::memcpy(&number, server->memory.data() + 60000, sizeof number);
  EXPECT_EQ(number, 7u);
}

TEST_F(OnRxe, NotifiesOnceAndAtOnceOfWhatIsThere) {
  connect();
  unsigned told = 0;
  const auto count = [](void* counter) { ++*static_cast<unsigned*>(counter); };
  server->completions->request_notify(count, &told);
  const verbs::Sge local = client->piece(8000, 1);
  auto work = client->request(Opcode::Send, local);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(client->queue_pair->post_send(work));
  EXPECT_TRUE(until([&] { return told > 0; }));
  (void)completion(*client);
  (void)completion(*client);
  EXPECT_EQ(told, 1u);
  server->completions->request_notify(count, &told);
  EXPECT_EQ(told, 2u);
  EXPECT_EQ(completion(*server).wr_id, 0u);
  EXPECT_EQ(completion(*server).wr_id, 1u);
}

TEST_F(OnRxe, TellsRefusals) {
  refuse = true;
  make_ends();
  begin();
  ASSERT_TRUE(until([this] { return client->ended; }));
  EXPECT_EQ(client->reason, verbs::RejectReason::Consumer);
  EXPECT_TRUE(client->holds("welcome"));
  make_ends();
  begin(port + 1);
  ASSERT_TRUE(until([this] { return client->ended; }));
  EXPECT_EQ(client->reason, verbs::RejectReason::InvalidServiceId);
}

TEST_F(OnRxe, FlushesWhenTheOtherSideDisconnects) {
  connect();
  client->connection->disconnect();
  ASSERT_TRUE(until([this] { return client->ended && server->ended; }));
  EXPECT_EQ(server->queue_pair->state(), QpState::Error);
  for (std::uint64_t id = 0; id < 4; ++id) {
    const verbs::WorkCompletion flushed = completion(*server);
    EXPECT_EQ(flushed.status, CompletionStatus::WorkRequestFlushed);
    EXPECT_EQ(flushed.wr_id, id);
  }
}

TEST_F(OnRxe, IsRefusedBeyondARegion) {
  connect();
  const verbs::Sge local = client->piece(8000, 16);
  auto work = client->request(Opcode::RdmaRead, local);
  work.remote_address = server->address(0) + server->memory.size() - 8;
  work.rkey = server->region->rkey();
  ASSERT_TRUE(client->queue_pair->post_send(work));
  EXPECT_EQ(completion(*client).status, CompletionStatus::RemoteAccessError);
  EXPECT_EQ(client->queue_pair->state(), QpState::Error);
}

TEST_F(OnRxe, RefusesWhatAQueuePairCannotDo) {
  make_ends();
  const verbs::Sge local = client->piece(0, 1);
  auto work = client->request(Opcode::Send, local);
  EXPECT_EQ(client->queue_pair->post_send(work).error(), Error::InvalidArgument);
  Result<> posted;
  unsigned count = 0;
  while (count < 100'000 && (posted = client->receive(count, 0, 1))) ++count;
  EXPECT_GE(count, 16u);
  ASSERT_FALSE(posted);
  EXPECT_EQ(posted.error(), Error::Exhausted);
  verbs::QpAttributes error;
  error.state = QpState::Error;
  EXPECT_FALSE(client->queue_pair->modify(error));
  verbs::QpInitAttributes datagrams;
  datagrams.type = verbs::QpType::UnreliableDatagram;
  datagrams.send_cq = datagrams.recv_cq = client->completions.get();
  EXPECT_EQ(device().create_queue_pair(*client->domain, datagrams).error(), Error::NotSupported);
}

TEST_F(OnRxe, WorksWithoutTheConnectionManager) {
  make_ends();
  ASSERT_TRUE(server->receive(3, 0, 100));
  const auto bring_up = [this](End& end, End& other, std::uint32_t send_psn, std::uint32_t receive_psn) {
    verbs::QpAttributes attributes;
    attributes.access = every_access;
    attributes.destination = device().gid();
    attributes.destination_qpn = other.queue_pair->qp_num();
    attributes.send_psn = send_psn;
    attributes.receive_psn = receive_psn;
    for (const auto state : {QpState::Init, QpState::ReadyToReceive, QpState::ReadyToSend}) {
      attributes.state = state;
      ASSERT_TRUE(end.queue_pair->modify(attributes));
    }
  };
  bring_up(*client, *server, 0xfffffe, 5);
  bring_up(*server, *client, 5, 0xfffffe);
  const verbs::Sge local = client->piece(0, 50);
  auto work = client->request(Opcode::Send, local);
  ASSERT_TRUE(client->queue_pair->post_send(work));
  EXPECT_EQ(completion(*server).byte_len, 50u);
  verbs::QpAttributes reset;
  ASSERT_TRUE(server->queue_pair->modify(reset));
  EXPECT_EQ(server->queue_pair->state(), QpState::Reset);
  EXPECT_TRUE(server->receive(4, 0, 100));
}

TEST_F(OnRxe, ConnectsManyTimes) {
  for (int i = 0; i < 30; ++i) {
    connect();
    if (HasFatalFailure()) return;
    if (i % 2 == 0) client->connection->disconnect();
  }
}

}  // namespace
}  // namespace ibverbs

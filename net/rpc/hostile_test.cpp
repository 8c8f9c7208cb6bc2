// SPDX-License-Identifier: Apache-2.0
// Peers that are connected and send whatever they like: requests to a server, answers to a client. Everything is
// counted and refused; whoever behaves goes on being served.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "net/messages/file.h"
#include "net/messages/space.h"
#include "net/rpc/chaos.h"

namespace rpc::test {
namespace {

constexpr std::uint32_t buffers = 64;
constexpr std::uint32_t buffer_bytes = 16384;

// A program that uses verbs directly.
struct Hostile final : verbs::ConnectionEvents, verbs::ConnectionListener {
  Hostile(LoopWorld& owner, std::uint32_t address, verbs::Access access)
      : world(owner), attachment(owner.attach(address)), peer_access(access), memory(buffers * buffer_bytes) {
    domain = std::move(*attachment.device.allocate_protection_domain());
    region = std::move(*domain->register_memory(reinterpret_cast<std::uint64_t>(memory.data()), memory.size(),
                                                verbs::Access::LocalWrite | verbs::Access::RemoteWrite));
  }
  void open() {
    connection.reset();
    queue_pair.reset();
    completions = std::move(*attachment.device.create_completion_queue(4 * buffers));
    verbs::QpInitAttributes attributes;
    attributes.send_cq = attributes.recv_cq = completions.get();
    attributes.capabilities.max_send_wr = attributes.capabilities.max_recv_wr = buffers;
    queue_pair = std::move(*attachment.device.create_queue_pair(*domain, attributes));
    for (std::uint32_t i = 0; i < buffers / 2; ++i) post_receive(i);
    up = false;
  }
  verbs::Sge piece(std::uint32_t index, std::uint32_t bytes) {
    return {reinterpret_cast<std::uint64_t>(memory.data()) + std::uint64_t{index} * buffer_bytes, bytes,
            region->lkey()};
  }
  void post_receive(std::uint32_t index) {
    const verbs::Sge sge = piece(index, buffer_bytes);
    (void)queue_pair->post_receive({index, std::span(&sge, 1)});
  }
  bool connect(std::uint32_t peer) {
    open();
    messages::PeerHello hello;
    hello.version = messages::protocol_version;
    hello.slots = 8;
    hello.node = 66;
    hello.boot_id = 666;
    hello.session = session;
    verbs::ConnectionParameters parameters;
    parameters.private_data = std::as_bytes(std::span(&hello, 1));
    connection = std::move(*attachment.connections.connect(*queue_pair, peer_access, verbs::Gid::from_ipv4(peer),
                                                           messages::component_port, *this, parameters));
    return world.run([&] { return up; }, base::second_ns);
  }
  void send(std::span<const std::byte> bytes, verbs::Opcode opcode = verbs::Opcode::Send, std::uint32_t immediate = 0) {
    const std::uint32_t index = buffers / 2 + next++ % (buffers / 2);
    std::copy(bytes.begin(), bytes.end(), memory.begin() + index * buffer_bytes);
    const verbs::Sge sge = piece(index, static_cast<std::uint32_t>(bytes.size()));
    verbs::SendWorkRequest work;
    work.wr_id = buffers;
    work.opcode = opcode;
    work.immediate = immediate;
    work.sg_list = std::span(&sge, 1);
    (void)queue_pair->post_send(work);
  }
  // Handles what came; returns the last message.
  std::vector<std::byte> poll() {
    std::vector<std::byte> last;
    verbs::WorkCompletion completion;
    while (completions->poll(std::span(&completion, 1)) == 1) {
      if (completion.status != verbs::CompletionStatus::Success) continue;
      if (completion.wr_id >= buffers) continue;
      const std::byte* start = memory.data() + completion.wr_id * buffer_bytes;
      last.assign(start, start + completion.byte_len);
      post_receive(static_cast<std::uint32_t>(completion.wr_id));
    }
    return last;
  }
  void established(verbs::Connection&, std::span<const std::byte>) override { up = true; }
  void rejected(verbs::Connection&, verbs::RejectReason, std::span<const std::byte>) override {}
  void disconnected(verbs::Connection&) override { up = false; }
  void requested(base::Own<verbs::ConnectionRequest> asked) override {
    open();
    messages::PeerWelcome welcome;
    welcome.version = messages::protocol_version;
    welcome.slots = 8;
    welcome.boot_id = 1005;
    welcome.max_request_bytes = buffer_bytes;
    verbs::ConnectionParameters parameters;
    parameters.private_data = std::as_bytes(std::span(&welcome, 1));
    connection = std::move(*asked->accept(*queue_pair, peer_access, *this, parameters));
    up = true;
  }

  LoopWorld& world;
  Attachment attachment;
  verbs::Access peer_access;
  std::vector<std::byte> memory;
  base::Own<verbs::ProtectionDomain> domain;
  base::Own<verbs::MemoryRegion> region;
  base::Own<verbs::CompletionQueue> completions;
  base::Own<verbs::QueuePair> queue_pair;
  base::Own<verbs::Connection> connection;
  std::uint32_t next = 0;
  std::uint32_t session = 1;
  bool up = false;
};

std::vector<std::byte> random_bytes(base::Random& random, std::size_t most) {
  std::vector<std::byte> bytes(random.below(most + 1));
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next());
  return bytes;
}

// A request that is almost right.
std::vector<std::byte> nearly_right(base::Random& random, std::uint32_t& sequence) {
  std::vector<std::byte> rest = random_bytes(random, 200);
  RequestHeader header;
  header.version = messages::protocol_version;
  constexpr std::uint16_t known[] = {74, 76, 106, 107, 64, 1};
  header.operation = known[random.below(std::size(known))];
  if (random.below(2) == 0) {  // the right size, and zero where it must be
    rest.resize(24);
    std::fill(rest.begin() + 16, rest.end(), std::byte{});
  }
  header.slot = static_cast<std::uint16_t>(random.below(8));
  header.slot_sequence = ++sequence;
  header.body_bytes =
      static_cast<std::uint32_t>(std::min<std::size_t>(rest.size(), random.below(2) == 0 ? 24 : 8 * random.below(6)));
  header.tail_bytes = static_cast<std::uint32_t>(rest.size() - header.body_bytes);
  header.bulk_address = random.next();
  header.bulk_rkey = static_cast<std::uint32_t>(random.next());
  header.bulk_capacity = static_cast<std::uint32_t>(random.below(3) == 0 ? 4096 : random.next());
  std::vector<std::byte> bytes(sizeof(header));
  std::memcpy(bytes.data(), &header, sizeof(header));
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  for (std::uint64_t flips = random.below(3); flips > 0; --flips) {
    bytes[random.below(bytes.size())] ^= static_cast<std::byte>(1 << random.below(8));
  }
  return bytes;
}

// Handlers that take any well-formed request.
struct Tolerant {
  explicit Tolerant(Node& owner) : node(owner), memory(owner.allocate(4096)) {
    owner.server.handle<messages::ObjectCreateRequest, &Tolerant::create>(*this);
    owner.server.handle<messages::FileReadRequest, &Tolerant::read>(*this);
    owner.server.handle<messages::PageFetchRequest, &Tolerant::fetch>(*this);
    owner.server.handle<messages::FileWriteRequest, &Tolerant::write>(*this);
    owner.serve();
  }
  base::Task<> create(ServerCall& call, messages::ObjectCreateRequest request) {
    co_await base::Sleep(node.loop, node.loop.now_ns() + node.world.random.below(base::millisecond_ns));
    co_return call.reply(messages::ObjectCreateReply{request.bytes + 1});
  }
  base::Task<> read(ServerCall& call, messages::FileReadRequest) {
    const verbs::Sge span = *node.slabs.local(memory);
    co_return co_await call.reply_bulk(messages::FileReadReply{}, std::span(&span, 1));
  }
  base::Task<> fetch(ServerCall& call, messages::PageFetchRequest) {
    co_return co_await call.reply_page(*node.slabs.local(memory));
  }
  base::Task<> write(ServerCall& call, messages::FileWriteRequest request) {
    if (call.tail().size() != request.bytes) co_return base::fail(Error::Malformed);
    co_return call.reply(messages::FileAttributesReply{});
  }
  Node& node;
  std::span<std::byte> memory;
};

struct HostileClient : ::testing::TestWithParam<std::uint64_t> {};

TEST_P(HostileClient, CannotHurtTheServer) {
  LoopWorld world(GetParam());
  Tolerant service(world.add(2));
  Node& server = service.node;
  Node& good = world.add(1);
  Hostile bad(world, 0x0a4d0042, verbs::Access::LocalWrite | verbs::Access::RemoteWrite);
  std::uint32_t sequence = 1;
  int reconnects = 0;
  for (int i = 0; i < 3000; ++i) {
    if (!bad.up) {
      world.run_for(10 * base::millisecond_ns);
      bad.connect(server.ip());  // Busy at times
      ++reconnects;
    }
    if (bad.up)
      bad.send(world.random.below(3) == 0 ? random_bytes(world.random, 8192) : nearly_right(world.random, sequence));
    world.run_for(world.random.below(200 * base::microsecond_ns));
    (void)bad.poll();
    if (i % 100 != 0) continue;
    messages::ObjectCreateRequest body;
    body.bytes = static_cast<std::uint64_t>(i + 1);
    TestCall call(body);
    good.peer(server).submit(call);
    ASSERT_TRUE(world.run([&] { return call.free; }, 10 * base::second_ns));
    ASSERT_EQ(call.error, Error::None);
    EXPECT_EQ(call.reply.as<messages::ObjectCreateReply>()->object, body.bytes + 1);
  }
  EXPECT_GT(server.statistics.traffic.malformed_requests, 500u);
  EXPECT_GT(server.statistics.served(74)->count, 50u);
  EXPECT_GT(reconnects, 1) << "bulk to made-up addresses ends the connection";
  // If it starts to behave it is served.
  bad.session = 2;
  ASSERT_TRUE(bad.connect(server.ip()));
  RequestHeader header;
  header.version = messages::protocol_version;
  header.operation = 74;
  header.slot = 0;
  header.slot_sequence = 1;
  header.body_bytes = 8;
  std::vector<std::byte> bytes(sizeof(header) + 8);
  std::memcpy(bytes.data(), &header, sizeof(header));
  bytes[sizeof(header)] = std::byte{5};
  bad.send(bytes);
  world.run_for(base::second_ns);
  const auto answer = bad.poll();
  ASSERT_EQ(answer.size(), sizeof(ReplyHeader) + 8);
  EXPECT_EQ(answer[sizeof(ReplyHeader)], std::byte{6});
}

INSTANTIATE_TEST_SUITE_P(Seeds, HostileClient, ::testing::Range<std::uint64_t>(1, 6));

struct HostileServer : ::testing::TestWithParam<std::uint64_t> {};

TEST_P(HostileServer, CannotHurtTheClient) {
  LoopWorld world(GetParam());
  Node& client = world.add(1);
  Hostile bad(world, 0x0a4d0005, verbs::Access::LocalWrite | verbs::Access::RemoteRead);
  ASSERT_TRUE(bad.attachment.connections.listen(messages::component_port, bad).has_value());
  Peer& peer = **client.endpoint->peer({base::NodeId(5), 0x0a4d0005, base::BootId(1005), messages::component_port});
  auto line = client.allocate(4096);
  std::vector<std::unique_ptr<TestCall>> calls;
  int ended = 0;
  int succeeded = 0;
  for (int i = 0; i < 3000; ++i) {
    std::erase_if(calls, [&](const auto& call) {
      if (!call->free) return false;
      ++ended;
      succeeded += call->error == Error::None ? 1 : 0;
      return true;
    });
    if (calls.size() < 6) {
      messages::FileReadRequest body;
      body.file = 1;
      body.bytes = 100;
      calls.push_back(std::make_unique<TestCall>(body));
      calls.back()->request.bulk = *client.slabs.remote(line);
      calls.back()->request.deadline_ns = world.now_ns() + 5 * base::millisecond_ns;
      peer.submit(*calls.back());
    }
    world.run_for(world.random.below(200 * base::microsecond_ns));
    const auto request = bad.up ? bad.poll() : std::vector<std::byte>();
    if (!bad.up) continue;
    switch (world.random.below(4)) {
      case 0:
        bad.send(random_bytes(world.random, 9000));
        break;
      case 1:
        bad.send({}, verbs::Opcode::SendWithImmediate, static_cast<std::uint32_t>(world.random.next()));
        break;
      default: {
        RequestHeader asked;
        if (request.size() < sizeof(asked)) break;
        std::memcpy(static_cast<void*>(&asked), request.data(), sizeof(asked));
        ReplyHeader reply;
        reply.version = messages::protocol_version;
        reply.operation = asked.operation;
        reply.slot = asked.slot;
        reply.slot_sequence = asked.slot_sequence;
        reply.request_id = asked.request_id;
        reply.body_bytes = 8;
        std::vector<std::byte> bytes(sizeof(reply) + 8);
        std::memcpy(bytes.data(), &reply, sizeof(reply));
        for (std::uint64_t flips = world.random.below(3); flips > 0; --flips) {
          bytes[world.random.below(bytes.size())] ^= static_cast<std::byte>(1 << world.random.below(8));
        }
        bad.send(bytes);
        break;
      }
    }
  }
  EXPECT_GT(ended, 100);
  EXPECT_GT(succeeded, 10);
  EXPECT_GT(client.statistics.traffic.malformed_replies, 100u);
  bad.connection.reset();
  ASSERT_TRUE(world.run([&] { return std::ranges::all_of(calls, [](const auto& call) { return call->free; }); }));
}

INSTANTIATE_TEST_SUITE_P(Seeds, HostileServer, ::testing::Range<std::uint64_t>(1, 6));

}  // namespace
}  // namespace rpc::test

// SPDX-License-Identifier: Apache-2.0
// Calls, answers, errors, credits and classes of calls over the loopback fabric.
#include <gtest/gtest.h>

#include <algorithm>

#include "net/messages/file.h"
#include "net/messages/space.h"
#include "net/rpc/test_world.h"
#include "net/rpc/waited_call.h"

namespace rpc::test {
namespace {

using messages::FileLookupRequest;
using messages::FileReadRequest;
using messages::ObjectCreateRequest;
using messages::PageFetchRequest;
using messages::PageWriteBackRequest;

// Serves a few operations, each as simply as possible.
struct Service {
  explicit Service(Node& owner) : node(owner), memory(owner.allocate(16 * 4096)) {
    for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<std::byte>(i / 4096 + i % 251);
    owner.server.handle<ObjectCreateRequest, &Service::create>(*this);
    owner.server.handle<FileLookupRequest, &Service::look_up>(*this);
    owner.server.handle<FileReadRequest, &Service::read>(*this);
    owner.server.handle<PageFetchRequest, &Service::fetch>(*this);
    owner.server.handle<PageWriteBackRequest, &Service::write_back>(*this);
    owner.server.handle<messages::MemoryPressureRequest, &Service::pressure>(*this);
  }

  base::Task<> create(ServerCall& call, ObjectCreateRequest request) {
    ++creates;
    ++running;
    most_running = std::max(most_running, running);
    if (delay_ns != 0) co_await base::Sleep(node.loop, node.loop.now_ns() + delay_ns);
    --running;
    if (request.bytes == 13) co_return base::fail(Error::NoMemory);
    if (request.bytes == 14) co_return {};  // forgets to answer
    co_return call.reply(messages::ObjectCreateReply{request.bytes + 1});
  }
  base::Task<> look_up(ServerCall& call, FileLookupRequest) {
    last_vnode = call.vnode();
    last_deadline_ns = call.deadline_ns();
    last_time_ns = call.wall_time_ns();
    messages::FileAttributesReply reply;
    reply.attributes.size = call.tail().size();
    std::vector<std::byte> copy(call.tail().begin(), call.tail().end());  // the tail is gone after the answer
    std::reverse(copy.begin(), copy.end());
    co_return call.reply(reply, copy);
  }
  base::Task<> read(ServerCall& call, FileReadRequest request) {
    ++reads_begun;
    std::vector<verbs::Sge> spans;
    for (std::uint32_t done = 0; done < request.bytes; done += 100) {
      spans.push_back(*node.slabs.local(memory.subspan(request.offset + done, std::min(100u, request.bytes - done))));
    }
    messages::FileReadReply reply;
    reply.bytes = request.bytes.get();
    CO_TRY_VOID(co_await call.reply_bulk(reply, spans));
    ++sends_ended;
    co_return {};
  }
  base::Task<> fetch(ServerCall& call, PageFetchRequest request) {
    if (request.tag.page >= 16) co_return base::fail(Error::NotFound);
    CO_TRY_VOID(co_await call.reply_page(*node.slabs.local(memory.subspan(request.tag.page * 4096, 4096))));
    ++sends_ended;
    co_return {};
  }
  base::Task<> write_back(ServerCall& call, PageWriteBackRequest request) {
    written.assign(call.tail().begin(), call.tail().end());
    written_pages = request.page_count;
    co_return call.reply(messages::EmptyReply{});
  }
  base::Task<> pressure(ServerCall&, messages::MemoryPressureRequest) {
    ++notices;
    co_return {};
  }

  Node& node;
  std::span<std::byte> memory;
  std::uint64_t delay_ns = 0;
  int creates = 0;
  int running = 0;
  int most_running = 0;
  int reads_begun = 0;
  int sends_ended = 0;
  int notices = 0;
  std::uint32_t written_pages = 0;
  std::vector<std::byte> written;
  base::VNodeId last_vnode;
  std::uint64_t last_deadline_ns = 0;
  std::uint64_t last_time_ns = 0;
};

struct RpcTest : ::testing::Test {
  LoopWorld world{7};
  Node& client = world.add(1);
  Node& server = world.add(2);
  Service service{server};
  Peer& peer = client.peer(server);

  void SetUp() override { server.serve(); }
  void submit_and_run(TestCall& call) {
    peer.submit(call);
    EXPECT_FALSE(call.done) << "callbacks never run inside submit";
    EXPECT_TRUE(world.run([&] { return call.free; }));
  }
  void TearDown() override {
    EXPECT_EQ(world.fabric.counters().receiver_not_ready, 0u);
    EXPECT_EQ(world.fabric.counters().access_errors, 0u);
  }
};

ObjectCreateRequest create(std::uint64_t value) {
  ObjectCreateRequest request;
  request.bytes = value;
  return request;
}

TEST_F(RpcTest, KnowsSinceWhenItWaits) {
  service.delay_ns = 5 * base::millisecond_ns;
  TestCall first(create(1)), second(create(2));
  EXPECT_EQ(client.endpoint->demand_since_ns(), 0u);
  peer.submit(first);
  ASSERT_TRUE(world.run([&] { return service.running == 1; }));
  const std::uint64_t since = client.endpoint->demand_since_ns();
  EXPECT_NE(since, 0u);
  peer.submit(second);
  EXPECT_GT(client.endpoint->demand_since_ns(), since);
  ASSERT_TRUE(world.run([&] { return first.free && second.free; }));
  EXPECT_NE(client.endpoint->demand_since_ns(), 0u) << "the answers still hold their slots";
  first.reply = {};
  second.reply = {};
  EXPECT_EQ(client.endpoint->demand_since_ns(), 0u);
}

TEST_F(RpcTest, ClosesWithAnAnswerThatNobodyTakes) {
  TestCall first(create(1));
  submit_and_run(first);
  const std::span<std::byte> target = client.allocate(8192);
  FileReadRequest body;
  body.file = 1u;
  body.bytes = 8192u;
  TestCall call(body);
  call.request.bulk = *client.slabs.remote(target);
  peer.submit(call);
  ASSERT_TRUE(world.run([&] { return service.reads_begun == 1; }));
  ASSERT_EQ(service.sends_ended, 0);
  server.endpoint->close();
  EXPECT_FALSE(server.endpoint->closed()) << "its handler waits";
  EXPECT_EQ(server.endpoint->peer(client.address()).error(), Error::PeerDead);
  while (server.loop.run_ready()) {
  }
  EXPECT_TRUE(server.endpoint->closed());
  server.endpoint.reset();
  client.endpoint->declare_dead(server.address().boot_id);
  client.endpoint->poll();
  EXPECT_TRUE(call.free);
}

TEST_F(RpcTest, ClosesWithCallsUnderWay) {
  TestCall first(create(1)), waiting(create(2)), late(create(3));
  submit_and_run(first);
  first.reply = {};
  service.delay_ns = base::second_ns;
  peer.submit(waiting);
  ASSERT_TRUE(world.run([&] { return service.running == 1; }));
  client.endpoint->close();
  EXPECT_TRUE(client.endpoint->closed());
  EXPECT_EQ(waiting.error, Error::PeerDead);
  EXPECT_TRUE(waiting.free);
  peer.submit(late);
  client.endpoint->poll();
  EXPECT_EQ(late.error, Error::PeerDead);
  EXPECT_TRUE(late.free);
  world.run_for(2 * base::second_ns);
}

TEST_F(RpcTest, AnswersASmallRequest) {
  TestCall call(create(41));
  submit_and_run(call);
  EXPECT_EQ(call.error, Error::None);
  EXPECT_EQ(call.reply.as<messages::ObjectCreateReply>()->object, 42u);
  EXPECT_EQ(call.reply.as<messages::FileAttributesReply>().error(), Error::Malformed);
  EXPECT_TRUE(peer.connected());
  EXPECT_EQ(client.statistics.made(74)->count, 1u);
  EXPECT_EQ(server.statistics.served(74)->count, 1u);
  EXPECT_EQ(server.statistics.served(74)->bytes_in, sizeof(RequestHeader) + 8);
  EXPECT_EQ(client.statistics.made(74)->bytes_in, sizeof(ReplyHeader) + 8);
}

TEST_F(RpcTest, PassesErrorsAndCountsThem) {
  TestCall call(create(13));
  submit_and_run(call);
  EXPECT_EQ(call.error, Error::NoMemory);
  EXPECT_EQ(client.statistics.made(74)->errors, 1u);
  EXPECT_EQ(server.statistics.served(74)->errors, 1u);
  TestCall forgotten(create(14));
  submit_and_run(forgotten);
  EXPECT_EQ(forgotten.error, Error::IoError);
}

TEST_F(RpcTest, CarriesTailsVNodeDeadlineAndTime) {
  FileLookupRequest request;
  request.directory = 1;
  request.name_bytes = 3;
  TestCall call(request);
  const std::string name = "abc";
  call.request.copied_tail = std::as_bytes(std::span(name));
  call.request.vnode = base::VNodeId(77);
  call.request.deadline_ns = world.now_ns() + 5 * base::second_ns;
  client.endpoint->set_wall_clock_offset(1'700'000'000 * base::second_ns);
  submit_and_run(call);
  ASSERT_EQ(call.error, Error::None);
  EXPECT_EQ(call.reply.as<messages::FileAttributesReply>()->attributes.size, 3u);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(call.reply.tail().data()), 3), "cba");
  EXPECT_EQ(service.last_vnode, base::VNodeId(77));
  EXPECT_LE(service.last_deadline_ns, call.request.deadline_ns + base::second_ns);
  EXPECT_GE(service.last_deadline_ns, call.request.deadline_ns);
  EXPECT_GT(service.last_time_ns, 1'700'000'000 * base::second_ns);
}

TEST_F(RpcTest, WritesBulkIntoTheRequestersMemory) {
  for (const std::uint32_t bytes : {0u, 1u, 100u, 5000u, 40000u}) {
    auto target = client.allocate(40960);
    FileReadRequest request;
    request.file = 1;
    request.offset = 17;
    request.bytes = bytes;
    TestCall call(request);
    call.request.bulk = *client.slabs.remote(target);
    submit_and_run(call);
    ASSERT_EQ(call.error, Error::None);
    EXPECT_EQ(call.reply.bulk_bytes(), bytes);
    EXPECT_TRUE(std::equal(target.begin(), target.begin() + bytes, service.memory.begin() + 17));
    EXPECT_TRUE(std::all_of(target.begin() + bytes, target.end(), [](std::byte b) { return b == std::byte{}; }));
  }
  world.run_for(10 * base::second_ns);
  EXPECT_EQ(service.sends_ended, 5);
}

TEST_F(RpcTest, RefusesBulkThatDoesNotFit) {
  auto target = client.allocate(100);
  FileReadRequest request;
  request.file = 1;
  request.bytes = 101;
  TestCall call(request);
  call.request.bulk = *client.slabs.remote(target);
  submit_and_run(call);
  EXPECT_EQ(call.error, Error::TooBig);
}

TEST_F(RpcTest, FetchesAPageInOneMessageEachWay) {
  auto line = client.allocate(4096);
  PageFetchRequest request;
  request.tag.id = 9;
  request.tag.page = 3;
  TestCall first(request);
  first.request.bulk = *client.slabs.remote(line);
  submit_and_run(first);  // connects
  world.run_for(10 * base::second_ns);
  const auto before = world.fabric.counters().messages;
  TestCall call(request);
  call.request.bulk = *client.slabs.remote(line);
  submit_and_run(call);
  world.run_for(10 * base::second_ns);
  EXPECT_EQ(call.error, Error::None);
  EXPECT_EQ(call.reply.bulk_bytes(), 4096u);
  EXPECT_TRUE(std::equal(line.begin(), line.end(), service.memory.begin() + 3 * 4096));
  EXPECT_EQ(world.fabric.counters().messages - before, 2u);
  request.tag.page = 99;
  TestCall missing(request);
  missing.request.bulk = *client.slabs.remote(line);
  submit_and_run(missing);
  EXPECT_EQ(missing.error, Error::NotFound);
}

TEST_F(RpcTest, GathersPagesToWriteBackFromWhereTheyLie) {
  auto pages = client.allocate(8 * 4096);
  for (std::size_t i = 0; i < pages.size(); ++i) pages[i] = static_cast<std::byte>(i * 7);
  std::vector<verbs::Sge> tail;
  for (std::size_t i = 0; i < 8; ++i) tail.push_back(*client.slabs.local(pages.subspan((7 - i) * 4096, 4096)));
  std::vector<std::byte> entries(max_copied_tail_bytes, std::byte{0x5a});
  PageWriteBackRequest request;
  request.page_count = 8;
  request.tag_count = 8;
  TestCall call(request);
  call.request.copied_tail = entries;
  call.request.tail = tail;
  call.request.priority = Priority::WriteBack;
  submit_and_run(call);
  ASSERT_EQ(call.error, Error::None);
  ASSERT_EQ(service.written.size(), entries.size() + pages.size());
  EXPECT_TRUE(std::equal(entries.begin(), entries.end(), service.written.begin()));
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_TRUE(std::equal(pages.begin() + static_cast<std::ptrdiff_t>((7 - i) * 4096),
                           pages.begin() + static_cast<std::ptrdiff_t>((8 - i) * 4096),
                           service.written.begin() + static_cast<std::ptrdiff_t>(entries.size() + i * 4096)));
  }
}

TEST_F(RpcTest, OneWayMessagesAreDelivered) {
  for (int i = 0; i < 100; ++i) {
    TestCall call(messages::MemoryPressureRequest{});
    call.request.one_way = true;
    submit_and_run(call);
    EXPECT_EQ(call.error, Error::None);
  }
  world.run_for(10 * base::second_ns);
  EXPECT_EQ(service.notices, 100);
}

TEST_F(RpcTest, RefusesWhatNeverFits) {
  std::vector<std::byte> large(max_copied_tail_bytes + 1);
  TestCall call(create(1));
  call.request.copied_tail = large;
  submit_and_run(call);
  EXPECT_EQ(call.error, Error::TooBig);
  auto memory = client.allocate(65536);
  const verbs::Sge piece = *client.slabs.local(memory);
  TestCall larger(create(1));
  larger.request.tail = std::span(&piece, 1);
  submit_and_run(larger);
  EXPECT_EQ(larger.error, Error::TooBig);
}

TEST_F(RpcTest, UnknownAndInvalidRequestsAreMalformed) {
  TestCall unknown(messages::SpaceCreateRequest{});
  submit_and_run(unknown);
  EXPECT_EQ(unknown.error, Error::Malformed);
  TestCall invalid(create(0));
  submit_and_run(invalid);
  EXPECT_EQ(invalid.error, Error::Malformed);
  EXPECT_EQ(server.statistics.traffic.malformed_requests, 2u);
  EXPECT_EQ(service.creates, 0);
}

TEST_F(RpcTest, MoreCallsThanSlotsWaitInTheClient) {
  service.delay_ns = base::millisecond_ns;
  std::vector<std::unique_ptr<TestCall>> calls;
  for (std::uint64_t i = 0; i < 200; ++i) {
    calls.push_back(std::make_unique<TestCall>(create(100 + i)));
    TestCall& call = *calls.back();
    call.on_completed = [&call] { call.reply = Reply(); };
    peer.submit(call);
  }
  EXPECT_TRUE(world.run([&] { return std::ranges::all_of(calls, [](auto& call) { return call->free; }); }));
  EXPECT_EQ(service.creates, 200);
  EXPECT_EQ(service.most_running, 6);  // 8 slots, 2 of which are for write-back
}

TEST_F(RpcTest, RepliesThatAreKeptHoldSlots) {
  std::vector<std::unique_ptr<TestCall>> calls;
  for (std::uint64_t i = 0; i < 20; ++i) {
    calls.push_back(std::make_unique<TestCall>(create(100 + i)));
    peer.submit(*calls.back());
  }
  world.run_for(10 * base::second_ns);
  EXPECT_EQ(service.creates, 6);
  for (auto& call : calls) {
    EXPECT_TRUE(world.run([&] { return call->free; }));
    call->reply = Reply();
  }
  world.run_for(10 * base::second_ns);
  EXPECT_EQ(service.creates, 20);
}

TEST_F(RpcTest, DemandOvertakesPrefetchAndWriteBack) {
  service.delay_ns = base::millisecond_ns;
  std::vector<int> order;
  std::vector<std::unique_ptr<TestCall>> calls;
  const auto add = [&](Priority priority, int name) {
    calls.push_back(std::make_unique<TestCall>(create(100)));
    TestCall& call = *calls.back();
    call.request.priority = priority;
    call.on_completed = [&call, &order, name] {
      call.reply = Reply();
      order.push_back(name);
    };
    peer.submit(call);
  };
  for (int i = 0; i < 20; ++i) add(Priority::WriteBack, 2);
  for (int i = 0; i < 20; ++i) add(Priority::Prefetch, 1);
  for (int i = 0; i < 20; ++i) add(Priority::Demand, 0);
  world.run_for(10 * base::second_ns);
  ASSERT_EQ(order.size(), 60u);
  // Demand has most slots first, but write-back always has some.
  EXPECT_GT(std::count(order.begin(), order.begin() + 30, 0), 15);
  EXPECT_GT(std::count(order.begin(), order.begin() + 30, 2), 3);
  EXPECT_EQ(std::count(order.begin() + 45, order.end(), 0), 0);
}

base::Task<> ask(Node& client, Peer& peer, std::vector<std::uint64_t>& results) {
  for (std::uint64_t i = 1; i <= 5; ++i) {
    CO_TRY(auto reply, co_await rpc::call(client.loop, peer, create(i)));
    results.push_back(reply.body.object);
  }
  const auto failed = co_await rpc::call(client.loop, peer, create(13), {.timeout_ns = base::second_ns});
  co_return base::fail(failed.error());
}

TEST_F(RpcTest, CoroutinesAwaitCalls) {
  std::vector<std::uint64_t> results;
  Error outcome = Error::None;
  base::spawn(ask(client, peer, results), [&outcome](Result<> result) { outcome = result.error(); });
  world.run_for(10 * base::second_ns);
  EXPECT_EQ(results, (std::vector<std::uint64_t>{2, 3, 4, 5, 6}));
  EXPECT_EQ(outcome, Error::NoMemory);
}

struct TestWaiter final : base::Waiter {
  int wakes = 0;
  void wake() override { ++wakes; }
};
struct TestHold final : MemoryHold {
  bool free = false;
  void memory_free() override { free = true; }
};

TEST_F(RpcTest, ThreadsWaitAndMayBeKilled) {
  TestWaiter waiter;
  TestHold hold;
  WaitedCall* call = *WaitedCall::create(waiter, &hold);
  call->set_body(create(5));
  call->start(peer);
  EXPECT_TRUE(world.run([&] { return waiter.wakes == 1; }));
  EXPECT_TRUE(call->done());
  {
    const auto reply = call->take();
    EXPECT_EQ(reply->as<messages::ObjectCreateReply>()->object, 6u);
  }
  call->drop();
  EXPECT_TRUE(hold.free);

  service.delay_ns = base::second_ns;
  TestHold second_hold;
  auto target = client.allocate(4096);
  call = *WaitedCall::create(waiter, &second_hold);
  call->set_body(create(6));
  call->request.bulk = *client.slabs.remote(target);
  call->start(peer);
  EXPECT_TRUE(world.run([&] { return service.creates == 2; }));
  call->abandon();
  EXPECT_TRUE(world.run([&] { return call->done(); }));
  EXPECT_EQ(call->take().error(), Error::Interrupted);
  EXPECT_FALSE(second_hold.free) << "the server may still write";
  call->drop();
  world.run_for(10 * base::second_ns);
  EXPECT_TRUE(second_hold.free);
}

}  // namespace
}  // namespace rpc::test

// SPDX-License-Identifier: Apache-2.0
// The service on one engine, and on another what a control program and its peer would do, over a simulated wire.
#include "net/verbs_test/service.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "net/roce/testing/rig.h"
#include "net/verbs_test/control_client.h"
#include "net/verbs_test/pattern.h"
#include "net/verbs_test/rping.h"

namespace verbs_test {
namespace {

struct alignas(base::page_bytes) Page {
  std::byte bytes[base::page_bytes];
};

struct Machine {
  Machine(roce::testing::World& wire, std::uint32_t link_mtu)
      : node(wire.add(link_mtu)),
        loop(wire.clock),
        domain(std::move(*node.engine().device().allocate_protection_domain())),
        buffers(*domain),
        memory(SlotPool::memory_bytes / base::page_bytes) {}
  std::byte* start() { return memory[0].bytes; }

  roce::testing::Node& node;
  base::EventLoop loop;
  base::SpinLock lock{base::LockRank::Rpc};
  base::Own<verbs::ProtectionDomain> domain;
  rpc::HeapBuffers buffers;
  std::vector<Page> memory;
};

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() { reset(4200); }
  ~ServiceTest() override { end(); }

  void reset(std::uint32_t link_mtu) {
    end();
    wire = std::make_unique<roce::testing::World>(11);
    image = std::make_unique<Machine>(*wire, link_mtu);
    linux = std::make_unique<Machine>(*wire, link_mtu);
    service = std::make_unique<Service>(image->loop, image->lock, image->node.engine().device(), *image->domain,
                                        image->node.engine().connections(), image->buffers, image->start());
    ASSERT_TRUE(service->start());
    world.reset(new World{linux->loop, linux->lock, linux->node.engine().device(), *linux->domain,
                          linux->node.engine().connections()});
    slots = std::make_unique<SlotPool>(*world, linux->start());
  }
  void end() {
    if (!service) return;
    service->stop();
    EXPECT_TRUE(run_until([&] { return service->stopped(); }));
    service.reset();
    slots.reset();
    world.reset();
    image.reset();
    linux.reset();
    wire.reset();
  }

  bool run_until(const std::function<bool()>& done) {
    const std::uint64_t limit_ns = wire->clock.now_ns() + 300 * base::second_ns;
    while (!done()) {
      const bool ran_image = image->loop.run_ready(), ran_linux = linux->loop.run_ready();
      std::uint64_t until_ns = std::min(image->loop.next_deadline_ns(), linux->loop.next_deadline_ns());
      if (ran_image || ran_linux) until_ns = std::min(until_ns, wire->clock.now_ns() + 1000);
      if (wire->step(until_ns)) continue;
      if (until_ns > limit_ns) return false;
      wire->clock.set(std::max(wire->clock.now_ns(), until_ns));
    }
    return true;
  }
  template <typename T>
  Result<T> run(base::Task<T> task) {
    std::optional<Result<T>> outcome;
    base::spawn(std::move(task), [&](Result<T> result) { outcome.emplace(std::move(result)); });
    if (!run_until([&] { return outcome.has_value(); })) {
      ADD_FAILURE() << "the task does not end";
      std::abort();
    }
    return std::move(*outcome);
  }

  verbs::Gid image_gid() const { return verbs::Gid::from_ipv4(image->node.ipv4()); }

  std::unique_ptr<roce::testing::World> wire;
  std::unique_ptr<Machine> image, linux;
  std::unique_ptr<Service> service;
  std::unique_ptr<World> world;
  std::unique_ptr<SlotPool> slots;
};

ControlRequest request(Verb verb) {
  ControlRequest made;
  made.verb = static_cast<std::uint8_t>(verb);
  made.transport = static_cast<std::uint8_t>(Transport::Reliable);
  made.timeout_ms = 20000;
  made.path_mtu = 1024;
  made.depth = 8;
  made.seed = 77;
  return made;
}

struct Case {
  TaskKind client;
  TaskKind server;
  std::uint32_t size;
  std::uint32_t path_mtu;
  Transport transport = Transport::Reliable;
  std::uint8_t flags = flag_verify;
};

constexpr std::uint32_t iterations = 5;

class Pair {
 public:
  Pair(World& world, Slot& slot, ControlClient& control, bool image_serves)
      : session_(world, slot), control_(control), image_serves_(image_serves) {}

  // Sets both ends up and runs the client's side; the client's answer.
  base::Task<ControlAnswer> run(Case c) {
    ControlRequest open = request(Verb::Open);
    open.transport = static_cast<std::uint8_t>(c.transport);
    open.size = c.size;
    CO_TRY(const ControlAnswer client, co_await ask(true, open));
    CO_TRY(const ControlAnswer server, co_await ask(false, open));
    ControlRequest connect = open;
    connect.verb = static_cast<std::uint8_t>(Verb::Connect);
    connect.path_mtu = c.path_mtu;
    connect.iterations = iterations;
    connect.flags = c.flags;
    connect.task = static_cast<std::uint8_t>(c.server);
    connect.peer = client.self;
    CO_TRY(const ControlAnswer served, co_await ask(false, connect));
    connect.task = static_cast<std::uint8_t>(c.client);
    connect.peer = server.self;
    CO_TRY(const ControlAnswer connected, co_await ask(true, connect));
    if (served.error != 0u || connected.error != 0u) co_return base::fail(Error::NotConnected);
    connect.verb = static_cast<std::uint8_t>(Verb::Run);
    CO_TRY(const ControlAnswer done, co_await ask(true, connect));
    for (const bool of_client : {true, false}) {
      CO_TRY(const ControlAnswer closed, co_await ask(of_client, request(Verb::Close)));
      if (closed.error != 0u) co_return base::fail(Error::IoError);
    }
    co_return done;
  }

 private:
  base::Task<ControlAnswer> ask(bool of_client, ControlRequest asked) {
    ControlAnswer answer;
    if (of_client == image_serves_) {
      CO_TRY_VOID(co_await session_.handle(asked, &answer));
    } else {
      CO_TRY(answer, co_await control_.ask(asked));
    }
    co_return answer;
  }

  Session session_;
  ControlClient& control_;
  const bool image_serves_;
};

constexpr Case cases[] = {
    {TaskKind::PingSends, TaskKind::EchoSends, 0, 1024},
    {TaskKind::PingSends, TaskKind::EchoSends, 1, 4096},
    {TaskKind::PingSends, TaskKind::EchoSends, max_message_bytes, 4096},
    {TaskKind::PingSends, TaskKind::EchoSends, 5000, 1024, Transport::Reliable, flag_verify | flag_immediate},
    {TaskKind::PingSends, TaskKind::EchoSends, 1024, 1024, Transport::Datagram},
    {TaskKind::PingSends, TaskKind::EchoSends, 4096, 4096, Transport::Datagram, flag_verify | flag_immediate},
    {TaskKind::PingSends, TaskKind::EchoSends, 0, 4096, Transport::Datagram},
    {TaskKind::PingWrites, TaskKind::EchoWrites, 1, 1024},
    {TaskKind::PingWrites, TaskKind::EchoWrites, 65536, 4096},
    {TaskKind::Writes, TaskKind::Serve, 0, 1024},
    {TaskKind::Writes, TaskKind::Serve, max_message_bytes, 1024},
    {TaskKind::Writes, TaskKind::Serve, 4096, 4096, Transport::Reliable, 0},
    {TaskKind::WritesWithImmediate, TaskKind::EchoSends, 8193, 4096},
    {TaskKind::WritesWithImmediate, TaskKind::EchoSends, 0, 1024},
    {TaskKind::Reads, TaskKind::Serve, 3, 1024},
    {TaskKind::Reads, TaskKind::Serve, max_message_bytes, 4096},
    {TaskKind::Reads, TaskKind::Serve, 65536, 1024, Transport::Reliable, 0},
    {TaskKind::FetchAdds, TaskKind::Serve, 8, 1024},
    {TaskKind::CompareSwaps, TaskKind::Serve, 8, 4096},
    {TaskKind::Sends, TaskKind::SinkSends, 64, 4096},
    {TaskKind::Sends, TaskKind::SinkSends, max_message_bytes, 1024},
    {TaskKind::TimedSends, TaskKind::EchoSends, 64, 4096, Transport::Reliable, flag_own},
    {TaskKind::TimedSends, TaskKind::EchoSends, 4096, 1024},
    {TaskKind::TimedWrites, TaskKind::EchoWrites, 64, 4096, Transport::Reliable, flag_own},
    {TaskKind::TimedWrites, TaskKind::EchoWrites, max_message_bytes, 4096},
    {TaskKind::TimedReads, TaskKind::Serve, 4096, 4096, Transport::Reliable, flag_own},
};

TEST_F(ServiceTest, DoesEveryTaskOnEitherSide) {
  Slot* const control_slot = *slots->take();
  Slot* const slot = *slots->take();
  {
    ControlClient control(*world, *control_slot);
    ASSERT_TRUE(run(control.connect(image_gid())));
    for (const bool image_serves : {true, false}) {
      for (const Case& c : cases) {
        SCOPED_TRACE(testing::Message() << "task " << static_cast<int>(c.client) << " of " << c.size << " bytes, MTU "
                                        << c.path_mtu << ", image " << (image_serves ? "serves" : "asks"));
        Pair pair(*world, *slot, control, image_serves);
        const auto done = run(pair.run(c));
        ASSERT_TRUE(done) << base::error_name(done.error());
        EXPECT_EQ(done->error, 0u);
        EXPECT_EQ(done->messages, iterations);
        EXPECT_EQ(done->mismatches, 0u);
        const bool timed = c.client >= TaskKind::TimedSends;
        EXPECT_EQ(done->median_ns > 0, timed);
        EXPECT_EQ(done->least_ns > 0, timed);
        EXPECT_LE(done->least_ns, done->median_ns);
        EXPECT_LE(done->median_ns, done->p99_ns);
      }
    }
  }
  slots->give_back(*slot);
  slots->give_back(*control_slot);
}

// A check that sees nothing wrong must be able to.
TEST_F(ServiceTest, CountsWhatIsWrong) {
  Slot* const control_slot = *slots->take();
  Slot* const slot = *slots->take();
  {
    ControlClient control(*world, *control_slot);
    ASSERT_TRUE(run(control.connect(image_gid())));
    Session session(*world, *slot);
    ControlRequest open = request(Verb::Open), connect = request(Verb::Connect), read = request(Verb::Run);
    open.size = connect.size = read.size = 64;
    ControlAnswer mine;
    ASSERT_TRUE(run(session.handle(open, &mine)));
    const auto theirs = run(control.ask(open));
    ASSERT_TRUE(theirs);
    connect.task = static_cast<std::uint8_t>(TaskKind::Serve);
    connect.peer = mine.self;
    ASSERT_EQ(run(control.ask(connect))->error, 0u);
    connect.peer = theirs->self;
    connect.task = read.task = static_cast<std::uint8_t>(TaskKind::Reads);
    read.iterations = 1;
    read.flags = flag_verify;
    read.seed = 78;  // not that of the memory
    ASSERT_TRUE(run(session.handle(connect, &mine)));
    ASSERT_TRUE(run(session.handle(read, &mine)));
    EXPECT_EQ(mine.error, 0u);
    EXPECT_GT(mine.mismatches, 50u);
    // Beyond what is exported.
    connect.peer.address = theirs->self.address + 2 * buffer_bytes;
    ASSERT_TRUE(run(session.handle(request(Verb::Close), &mine)));
    ASSERT_EQ(run(control.ask(request(Verb::Close)))->error, 0u);
    EXPECT_EQ(run(control.ask(read))->error, static_cast<std::uint32_t>(Error::InvalidArgument));
  }
  slots->give_back(*slot);
  slots->give_back(*control_slot);
}

base::Task<> serve_nothing(ControlClient* control, verbs::Gid image) {
  CO_TRY_VOID(co_await control->connect(image));
  ControlRequest nonsense = request(Verb::Open);
  nonsense.magic = 1;
  co_return co_await [](ControlClient* c, ControlRequest r) -> base::Task<> {
    CO_TRY(const ControlAnswer answer, co_await c->ask(r));
    co_return base::fail(static_cast<Error>(answer.error.get()));
  }(control, nonsense);
}

TEST_F(ServiceTest, HangsUpOnNonsense) {
  Slot* const slot = *slots->take();
  {
    ControlClient control(*world, *slot);
    EXPECT_EQ(run(serve_nothing(&control, image_gid())).error(), Error::IoError);
  }
  {
    ControlClient control(*world, *slot);
    EXPECT_TRUE(run(control.connect(image_gid())));
  }
  slots->give_back(*slot);
}

TEST_F(ServiceTest, FetchesPagesByCalls) {
  Slot* const slot = *slots->take();
  {
    Pages pages(*world, linux->buffers);
    ASSERT_TRUE(pages.start());
    world->pages = &pages;
    Channel unused(*world);
    Counts counts;
    TaskContext context{
        world.get(), &unused, slot, &counts, request(Verb::Run), world->loop.now_ns() + 100 * base::second_ns};
    context.request.peer.gid = image_gid().bytes;
    context.request.iterations = 40;
    context.request.flags = flag_verify;
    ASSERT_TRUE(run(timed_calls(context)));
    EXPECT_GT(counts.times.least_ns, 0u);
    EXPECT_LE(counts.times.least_ns, counts.times.median_ns);
    ASSERT_TRUE(run(calls(context)));
    EXPECT_EQ(counts.messages, 80u);
    EXPECT_EQ(counts.mismatches, 0u);
    world->pages = nullptr;
    pages.stop();
    EXPECT_TRUE(run_until([&] { return pages.stopped(); }));
  }
  slots->give_back(*slot);
}

TEST_F(ServiceTest, AnswersRping) {
  Slot* const slot = *slots->take();
  Channel unused(*world);
  Counts counts;
  for (const std::uint32_t size : {16u, 1000u, 65536u}) {
    TaskContext context{
        world.get(), &unused, slot, &counts, request(Verb::Run), world->loop.now_ns() + 100 * base::second_ns};
    context.request.peer.gid = image_gid().bytes;
    context.request.port = rping_port;
    context.request.size = size;
    context.request.iterations = 10;
    const auto done = run(rping_client(context));
    ASSERT_TRUE(done) << base::error_name(done.error());
    EXPECT_EQ(counts.messages, 10u);
    EXPECT_EQ(counts.mismatches, 0u);
  }
  slots->give_back(*slot);
}

TEST_F(ServiceTest, StreamsGoOnAfterAPartition) {
  Slot* const slot = *slots->take();
  Channel unused(*world);
  Counts counts;
  TaskContext context{
      world.get(), &unused, slot, &counts, request(Verb::Run), world->loop.now_ns() + 200 * base::second_ns};
  context.request.peer.gid = image_gid().bytes;
  context.request.port = stream_port;
  context.request.stream_bytes = 2'000'003;
  wire->faults.drop = 10'000;
  std::optional<Result<>> outcome;
  base::spawn(stream_send(context), [&](Result<> result) { outcome.emplace(result); });
  ASSERT_TRUE(run_until([&] { return counts.bytes > 0 || image->node.counters().rx_packets > 500; }));
  wire->partitioned = true;
  const std::uint64_t until_ns = wire->clock.now_ns() + 5 * base::second_ns;
  ASSERT_TRUE(run_until([&] { return wire->clock.now_ns() >= until_ns; }));
  EXPECT_FALSE(outcome);
  wire->partitioned = false;
  ASSERT_TRUE(run_until([&] { return outcome.has_value(); }));
  EXPECT_TRUE(*outcome) << base::error_name(outcome->error());
  EXPECT_EQ(counts.bytes, context.request.stream_bytes);
  EXPECT_EQ(counts.mismatches, 0u);
  EXPECT_GE(counts.reconnects, 1u);
  slots->give_back(*slot);
}

}  // namespace
}  // namespace verbs_test

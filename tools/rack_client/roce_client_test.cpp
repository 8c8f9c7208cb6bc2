// SPDX-License-Identifier: Apache-2.0
// The client against the real managers and switch, with a stand-in for each component that answers the operations a
// client needs: everything from joining to the release of a program, over software RoCEv2 and real sockets.
#include "tools/rack_client/roce_client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <thread>

#include "gmm/managers.h"
#include "kernel/base/async.h"
#include "net/rpc/stats_service.h"
#include "tools/ether_switch/server.h"

namespace rack_client {
namespace {

using messages::ComponentKind;
using messages::ConsoleEvent;

constexpr std::uint32_t managers_ip = 0x0a4d0001;
constexpr std::uint8_t ports = 5;

membership::RackKey key() {
  const std::string text = "the key of this test's rack";
  return *membership::RackKey::from_file(std::as_bytes(std::span(text)));
}

// The switch, on a thread of its own.
class Fabric {
 public:
  Fabric() : stop_(eventfd(0, EFD_CLOEXEC)), server_(make_ports(), {}, std::nullopt) {
    thread_ = std::thread([this] { server_.run(stop_.get()); });
  }
  ~Fabric() {
    eventfd_write(stop_.get(), 1);
    thread_.join();
    std::filesystem::remove_all(folder_);
  }
  linux_node::SwitchConfig port(std::uint8_t number) const {
    return {.switch_socket = folder_ / std::to_string(number),
            .ip = managers_ip + number,
            .mac = {{2, 0, 0, 0, 0, number}}};
  }

 private:
  std::vector<ether_switch::PortSpec> make_ports() {
    char name[] = "/tmp/roce_client_test.XXXXXX";
    folder_ = mkdtemp(name);
    std::vector<ether_switch::PortSpec> specs;
    for (std::uint8_t i = 0; i < ports; ++i) specs.push_back({std::to_string(i), folder_ / std::to_string(i)});
    return specs;
  }
  std::filesystem::path folder_;
  support::Fd stop_;
  ether_switch::Server server_;
  std::thread thread_;
};

struct WallClock final : gmm::WallClock {
  std::uint64_t wall_time_ns() override { return 1'700'000'000 * base::second_ns; }
};

struct Managers {
  Managers(poll_loop::PollLoop& loop, const linux_node::SwitchConfig& port)
      : node(std::move(*linux_node::LinuxNode::attach(loop, linux_node::on_switch(port), [] {}))),
        managers(key(), loop.loop(), entropy, wall_clock, {}, nullptr),
        server(loop.loop(), &managers, gmm::Managers::server_limits()) {
    EXPECT_TRUE(node->open(managers));
    stats = std::move(*rpc::StatsService::create(server, node->buffers(), node->lock()));
    EXPECT_TRUE(stats->add(managers));
    EXPECT_TRUE(managers.serve(node->endpoint(), server));
  }
  ~Managers() { node->close(); }
  linux_node::GetRandom entropy;
  WallClock wall_clock;
  std::unique_ptr<linux_node::LinuxNode> node;
  gmm::Managers managers;
  rpc::Server server;
  base::Own<rpc::StatsService> stats;
};

// A stand-in for a component. As a pComponent its program is `cat`, which ends with status 5.
struct Component final : membership::MemberObserver {
  Component(poll_loop::PollLoop& loop, const linux_node::SwitchConfig& port, const std::string& name,
            ComponentKind kind)
      : node(std::move(*linux_node::LinuxNode::attach(loop, linux_node::on_switch(port), [] {}))),
        member({key(), managers_ip, port.ip, node->boot_id(), kind, name, 1, 100, 1 << 30}, loop.loop(), entropy,
               *this),
        server(loop.loop()),
        changed(loop.loop()) {
    EXPECT_TRUE(node->open(member));
    stats = std::move(*rpc::StatsService::create(server, node->buffers(), node->lock()));
    server.handle<messages::ProgramStartRequest, &Component::start>(*this);
    server.handle<messages::ConsoleReadRequest, &Component::read>(*this);
    server.handle<messages::ConsoleWriteRequest, &Component::write>(*this);
    server.handle<messages::ConsoleResizeRequest, &Component::resize>(*this);
    server.handle<messages::ConsoleSignalRequest, &Component::signal>(*this);
    server.handle<messages::ProgramReleaseRequest, &Component::release>(*this);
    EXPECT_TRUE(node->endpoint().serve(server, messages::component_port));
    EXPECT_TRUE(member.start(node->endpoint()));
  }

  ~Component() { node->close(); }

  base::Task<> start(rpc::ServerCall& call, messages::ProgramStartRequest request) {
    started = request;
    strings.assign(reinterpret_cast<const char*>(call.tail().data()), call.tail().size());
    co_return call.reply(messages::ProgramStartReply{});
  }
  base::Task<> read(rpc::ServerCall& call, messages::ConsoleReadRequest) {
    while (output.empty() && !ended) co_await changed.wait();
    messages::ConsoleReadReply reply;
    if (output.empty()) {
      reply.event = static_cast<std::uint32_t>(ConsoleEvent::Exited);
      reply.code = 5;
      reply.user_ns = 77;
      co_return call.reply(reply);
    }
    const std::string piece = output.substr(0, 8000);
    output.erase(0, piece.size());
    changed.wake_all();
    reply.event = static_cast<std::uint32_t>(ConsoleEvent::Output);
    reply.stream = 1;
    reply.bytes = static_cast<std::uint32_t>(piece.size());
    co_return call.reply(reply, std::as_bytes(std::span(piece)));
  }
  base::Task<> write(rpc::ServerCall& call, messages::ConsoleWriteRequest request) {
    if (call.tail().size() != request.bytes) co_return base::fail(base::Error::Malformed);
    output.append(reinterpret_cast<const char*>(call.tail().data()), call.tail().size());
    ended = request.end_of_file != 0;
    changed.wake_all();
    while (!output.empty()) co_await changed.wait();  // as a full pipe would
    co_return call.reply(messages::EmptyReply{});
  }
  base::Task<> resize(rpc::ServerCall& call, messages::ConsoleResizeRequest request) {
    columns = request.columns;
    co_return call.reply(messages::EmptyReply{});
  }
  base::Task<> signal(rpc::ServerCall& call, messages::ConsoleSignalRequest request) {
    signals.push_back(static_cast<int>(request.signal.get()));
    co_return call.reply(messages::EmptyReply{});
  }
  base::Task<> release(rpc::ServerCall& call, messages::ProgramReleaseRequest request) {
    released = request.launch;
    co_return call.reply(messages::EmptyReply{});
  }

  membership::Load load() override { return {1000, 1000, 0}; }
  void joined() override {}
  void refused(base::Error) override { ADD_FAILURE(); }
  void lease_lost() override { ADD_FAILURE(); }
  void node_died(const messages::NodeEntry&) override {}

  linux_node::GetRandom entropy;
  std::unique_ptr<linux_node::LinuxNode> node;
  membership::Member member;
  rpc::Server server;
  base::AsyncCondition changed;
  base::Own<rpc::StatsService> stats;
  messages::ProgramStartRequest started;
  std::string strings;
  std::string output;
  bool ended = false;
  std::uint16_t columns = 0;
  std::vector<int> signals;
  std::uint64_t released = 0;
};

class Client : public testing::Test {
 protected:
  Client() {
    const char* names[] = {"p0", "m0", "s0"};
    const ComponentKind kinds[] = {ComponentKind::Processor, ComponentKind::Memory, ComponentKind::Storage};
    for (std::uint8_t i = 0; i < 3; ++i) {
      const auto port = fabric.port(static_cast<std::uint8_t>(i + 1));
      components.push_back(std::make_unique<Component>(loop, port, names[i], kinds[i]));
    }
    client = std::move(
        *RoceClient::create(loop, {.node = fabric.port(4), .name = "lego", .managers_ip = managers_ip, .key = key()},
                            [this](const std::string& what) { lost = what; }));
  }
  ~Client() override {
    EXPECT_TRUE(await(client->leave()));
    for (auto& component : components) component->member.stop();
    turn_until([&] {
      return std::ranges::all_of(components, [](const auto& component) { return component->member.stopped(); });
    });
    client.reset();
  }
  template <typename Predicate>
  void turn_until(Predicate predicate) {
    while (!predicate()) loop.run_once();
  }
  template <typename T>
  base::Result<T> await(base::Task<T> task) {
    std::optional<base::Result<T>> outcome;
    base::spawn(std::move(task), [&outcome](base::Result<T> result) { outcome.emplace(std::move(result)); });
    turn_until([&] { return outcome.has_value(); });
    return std::move(*outcome);
  }
  void join() {
    const auto missing = await(client->wait_for_members({"p0", "m0", "s0"}, clock.now_ns() + 60 * base::second_ns));
    ASSERT_TRUE(missing);
    ASSERT_EQ(*missing, std::vector<std::string>());
  }

  Fabric fabric;
  poll_loop::MonotonicClock clock;
  base::EventLoop events{clock};
  poll_loop::PollLoop loop{events};
  Managers managers{loop, fabric.port(0)};
  std::vector<std::unique_ptr<Component>> components;
  std::unique_ptr<RoceClient> client;
  std::string lost;
};

TEST_F(Client, RunsAProgramFromJoiningToRelease) {
  join();
  Component& p = *components[0];
  ProgramSpec spec;
  spec.hostname = "box";
  spec.working_directory = "/tmp";
  spec.arguments = {"cat", "-u", ""};
  spec.environment = {"A=b"};
  spec.uid = 7;
  spec.terminals = 5;
  spec.window = {24, 80};
  ASSERT_TRUE(await(client->start_program(spec)));
  EXPECT_EQ(p.strings, std::string("/tmp\0cat\0cat\0-u\0\0A=b\0", 21));
  EXPECT_EQ(p.started.argc, 3u);
  EXPECT_EQ(p.started.uid, 7u);
  EXPECT_EQ(p.started.terminals, 5u);
  EXPECT_EQ(p.started.home_memory_ip, managers_ip + 2);
  EXPECT_EQ(p.started.storage_ip, managers_ip + 3);
  EXPECT_EQ(std::string(p.started.hostname.data()), "box");

  // Much input, through `cat`, in pieces of every size.
  int in[2];
  int out[2];
  ASSERT_EQ(pipe2(in, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
  std::string sent(700000, 0);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 31 + i / 997);
  std::thread writer([&] {
    EXPECT_EQ(write(in[1], sent.data(), sent.size()), static_cast<ssize_t>(sent.size()));
    close(in[1]);
  });
  std::string got;
  std::thread reader([&] {
    std::string piece(65536, 0);
    for (ssize_t bytes; (bytes = read(out[0], piece.data(), piece.size())) > 0;) {
      got.append(piece, 0, static_cast<std::size_t>(bytes));
    }
  });
  console::ProgramEnd end;
  {
    console::ConsoleSession session(loop, client->console(), {in[0], out[1], out[1]});
    client->attach(session, [](base::Error error) { ADD_FAILURE() << base::error_name(error); });
    session.start();
    client->console().resize({50, 132});
    client->console().send_signal(2);
    turn_until([&] { return session.finished() != nullptr; });
    end = *session.finished();
  }
  close(out[1]);
  writer.join();
  reader.join();
  EXPECT_TRUE(got == sent) << got.size();
  EXPECT_EQ(end.kind, console::ProgramEnd::Kind::Exited);
  EXPECT_EQ(end.code, 5);
  EXPECT_EQ(end.user_ns, 77u);
  turn_until([&] { return p.columns == 132 && p.signals == std::vector<int>{2}; });

  ASSERT_TRUE(await(client->release_program()));
  EXPECT_EQ(p.released, p.started.launch);
  const auto stats = await(client->read_stats());
  ASSERT_TRUE(stats) << base::error_name(stats.error());
  for (const char* name : {"p0", "m0", "s0", "gmm"}) {
    ASSERT_TRUE(stats->contains(name)) << name;
    EXPECT_TRUE(stats->at(name).starts_with("{")) << stats->at(name);
  }
  EXPECT_TRUE(await(client->destroy_vnode()));
  EXPECT_EQ(lost, "");
  for (const int fd : {in[0], out[0]}) close(fd);
}

TEST_F(Client, NamesTheMembersThatAreMissing) {
  const auto missing = await(client->wait_for_members({"p0", "m7"}, clock.now_ns() + base::second_ns));
  ASSERT_TRUE(missing);
  EXPECT_EQ(*missing, std::vector<std::string>{"m7"});
}

TEST_F(Client, ArgumentsThatFitInNoMessageAreRefused) {
  join();
  ProgramSpec spec;
  spec.working_directory = "/";
  spec.arguments = {"echo", std::string(50000, 'x')};
  EXPECT_EQ(await(client->start_program(spec)).error(), base::Error::TooBig);
}

}  // namespace
}  // namespace rack_client

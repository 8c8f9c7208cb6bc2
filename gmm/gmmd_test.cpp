// SPDX-License-Identifier: Apache-2.0
// gmmd and the virtual switch as processes, with members of the rack in this one: joining over Unix sockets and real
// time, refusals, counters, the end of either program, ids after a restart. And how texts of the command line are read.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gmm/options.h"
#include "gmm/state_file.h"
#include "net/membership/member.h"
#include "net/messages/program.h"
#include "net/roce_socket/roce_port.h"
#include "net/rpc/await.h"
#include "net/rpc/loop_driver.h"
#include "net/rpc/statistics.h"

namespace gmm {
namespace {

using messages::ComponentKind;

constexpr std::uint32_t managers_ip = 0x0a4d0001;

struct Process {
  explicit Process(std::vector<std::string> arguments, bool ready = false) {
    int pipe_ends[2] = {-1, -1};
    if (ready) {
      EXPECT_EQ(pipe(pipe_ends), 0);
      fcntl(pipe_ends[0], F_SETFD, FD_CLOEXEC);
      arguments.insert(arguments.end(), {"--ready-fd", std::to_string(pipe_ends[1])});
    }
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    EXPECT_EQ(posix_spawn(&pid, pointers[0], nullptr, nullptr, pointers.data(), environ), 0);
    if (!ready) return;
    close(pipe_ends[1]);
    char byte = 0;
    EXPECT_EQ(read(pipe_ends[0], &byte, 1), 1);
    close(pipe_ends[0]);
  }
  ~Process() {
    if (pid > 0) {
      kill(pid, SIGKILL);
      (void)wait();
    }
  }
  int wait() {
    int status = -1;
    waitpid(std::exchange(pid, -1), &status, 0);
    return status;
  }
  pid_t pid = -1;
};

struct GetRandom final : membership::Entropy {
  void fill(std::span<std::byte> bytes) override {
    EXPECT_EQ(getrandom(bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
};

// A member of the rack.
struct Station final : membership::MemberObserver {
  Station(poll_loop::PollLoop& loop, const std::filesystem::path& folder, const std::string& name, ComponentKind kind,
          std::uint8_t number, const std::string& key)
      : events(loop.loop()), driver(loop.loop()), memory(65536) {
    roce::EngineConfig config;
    config.mac = {{2, 0, 0, 0, 0, number}};
    config.ipv4 = 0x0a4d0000u + number;
    config.prefix_length = 16;
    config.link_mtu = 4200;
    config.seed = number;
    auto socket = ether_socket::EtherSocket::connect(folder / (name + ".sock"));
    port = std::move(*roce_socket::RocePort::create(loop, lock, std::move(*socket), config, [] {}));
    domain = std::move(*port->engine().device().allocate_protection_domain());
    buffers = std::make_unique<rpc::HeapBuffers>(*domain);
    region = std::move(*domain->register_memory(reinterpret_cast<std::uint64_t>(memory.data()), memory.size(),
                                                verbs::Access::LocalWrite | verbs::Access::RemoteWrite));
    const base::BootId boot_id(1000u + static_cast<std::uint64_t>(getpid()) * 256 + number);
    member = std::make_unique<membership::Member>(
        membership::MemberConfiguration{*membership::RackKey::from_file(std::as_bytes(std::span(key))), managers_ip,
                                        config.ipv4, boot_id, kind, name, 1, 0, 1 << 30},
        events, entropy, *this);
    endpoint = std::move(*rpc::Endpoint::create({port->engine().device(), *domain, port->engine().connections(), lock,
                                                 events.clock(), *buffers, driver, *member, statistics, boot_id, 8}));
    driver.attach(*endpoint);
    EXPECT_TRUE(member->start(*endpoint).has_value());
  }
  ~Station() {
    endpoint.reset();
    const base::SpinGuard guard(lock);
    region.reset();
    buffers.reset();
    domain.reset();
  }
  membership::Load load() override { return {1000, 500, 0}; }
  void joined() override {}
  void refused(Error error) override { refusal = error; }
  void lease_lost() override {}
  void node_died(const messages::NodeEntry&) override {}

  base::EventLoop& events;
  GetRandom entropy;
  base::SpinLock lock{base::LockRank::Rpc};
  std::unique_ptr<roce_socket::RocePort> port;
  base::Own<verbs::ProtectionDomain> domain;
  std::unique_ptr<rpc::HeapBuffers> buffers;
  rpc::LoopDriver driver;
  rpc::Statistics statistics;
  std::vector<std::byte> memory;
  base::Own<verbs::MemoryRegion> region;
  std::unique_ptr<membership::Member> member;
  base::Own<rpc::Endpoint> endpoint;
  Error refusal = Error::None;
};

struct Gmmd : ::testing::Test {
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("gmmd_test." + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "key") << key;
    std::vector<std::string> arguments = {ETHER_SWITCH};
    for (const std::string port : {"gmm", "p0", "m0", "s0", "lego"}) {
      arguments.insert(arguments.end(), {"--port", port + "=" + (folder / (port + ".sock")).string()});
    }
    ether_switch = std::make_unique<Process>(arguments, true);
    start_managers();
  }
  void TearDown() override {
    for (auto& station : stations) station->member->stop();
    EXPECT_TRUE(run([&] { return std::ranges::all_of(stations, [](auto& each) { return each->member->stopped(); }); }));
    stations.clear();
    managers.reset();
    ether_switch.reset();
    std::filesystem::remove_all(folder);
  }
  void start_managers() {
    managers = std::make_unique<Process>(std::vector<std::string>{GMMD, "--switch", folder / "gmm.sock", "--ip",
                                                                  "10.77.0.1/16", "--mac", "02:00:00:00:00:01", "--key",
                                                                  folder / "key", "--state", folder / "state"});
  }
  Station& add(const std::string& name, ComponentKind kind, std::uint8_t number, const std::string& with_key) {
    stations.push_back(std::make_unique<Station>(loop, folder, name, kind, number, with_key));
    return *stations.back();
  }
  bool run(const std::function<bool()>& done, std::uint64_t patience_ns = 60 * base::second_ns) {
    bool late = false;
    struct Limit final : base::Timer {
      explicit Limit(bool& flag) : passed(flag) {}
      void expired() override { passed = true; }
      bool& passed;
    } limit(late);
    events.arm(limit, clock.now_ns() + patience_ns);
    while (!done() && !late) loop.run_once();
    return done();
  }

  const std::string key = "a key for this test only";
  std::filesystem::path folder;
  poll_loop::MonotonicClock clock;
  base::EventLoop events{clock};
  poll_loop::PollLoop loop{events};
  std::unique_ptr<Process> ether_switch;
  std::unique_ptr<Process> managers;
  std::vector<std::unique_ptr<Station>> stations;
};

base::Task<> read_counters(Station& station, std::string& text) {
  const rpc::RemoteBuffer bulk{reinterpret_cast<std::uint64_t>(station.memory.data()), station.region->rkey(),
                               static_cast<std::uint32_t>(station.memory.size())};
  CO_TRY(auto reply,
         co_await rpc::call(station.events, station.member->managers(), messages::StatsReadRequest{}, {.bulk = bulk}));
  text.assign(reinterpret_cast<const char*>(station.memory.data()), reply.body.bytes);
  co_return {};
}

TEST_F(Gmmd, ComponentsJoinOverTheSwitch) {
  Station& p = add("p0", ComponentKind::Processor, 2, key + "\n");
  Station& m = add("m0", ComponentKind::Memory, 3, key);
  Station& client = add("lego", ComponentKind::Client, 9, key);
  ASSERT_TRUE(run([&] { return p.member->has_joined() && m.member->has_joined() && client.member->has_joined(); }));
  EXPECT_EQ(p.member->epoch(), 1u);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto now_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  EXPECT_NEAR(static_cast<double>(p.member->wall_time_ns()), static_cast<double>(now_ns), 1e9);

  Station& wrong = add("s0", ComponentKind::Storage, 4, "another key altogether");
  ASSERT_TRUE(run([&] { return wrong.refusal != Error::None; }));
  EXPECT_EQ(wrong.refusal, Error::AuthenticationFailed);

  std::string counters;
  bool done = false;
  base::spawn(read_counters(client, counters), [&done](Result<> result) {
    EXPECT_TRUE(result.has_value());
    done = true;
  });
  ASSERT_TRUE(run([&] { return done; }));
  EXPECT_NE(counters.find(R"("nodes":{"alive":3,"deaths":0,"refused":1})"), counters.npos) << counters;
  EXPECT_NE(counters.find(R"("Join":{"count":4,"errors":0)"), counters.npos) << counters;
  EXPECT_NE(counters.find(R"("tx_packets":)"), counters.npos) << counters;
}

TEST_F(Gmmd, EndsAsAskedAndComesBackWithNewIds) {
  Station& p = add("p0", ComponentKind::Processor, 2, key);
  ASSERT_TRUE(run([&] { return p.member->has_joined(); }));
  const base::NodeId before = p.member->node();
  kill(managers->pid, SIGTERM);
  const int status = managers->wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  start_managers();
  ASSERT_TRUE(run([&] { return p.member->epoch() == 2; }));
  EXPECT_GT(p.member->node(), before);
}

TEST_F(Gmmd, EndsWithTheSwitch) {
  Station& p = add("p0", ComponentKind::Processor, 2, key);
  ASSERT_TRUE(run([&] { return p.member->has_joined(); }));
  ether_switch.reset();
  const int status = managers->wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

TEST(StateFile, KeepsWhatWasSaved) {
  const std::string path = std::filesystem::temp_directory_path() / ("gmm_state." + std::to_string(getpid()));
  StateFile file(path);
  EXPECT_EQ(file.load()->epoch, 0u);
  EXPECT_TRUE(file.save({3, 1024, ~std::uint64_t{0}, 5}).has_value());
  const auto loaded = StateFile(path).load();
  EXPECT_EQ(loaded->epoch, 3u);
  EXPECT_EQ(loaded->nodes, 1024u);
  EXPECT_EQ(loaded->vnodes, ~std::uint64_t{0});
  EXPECT_EQ(loaded->launches, 5u);
  std::ofstream(path) << "something else";
  EXPECT_EQ(file.load().error(), Error::Malformed);
  std::filesystem::remove(path);
  EXPECT_FALSE(StateFile("/nowhere/at/all").save({}).has_value());
}

}  // namespace
}  // namespace gmm

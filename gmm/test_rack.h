// SPDX-License-Identifier: Apache-2.0
// For tests of the managers: they and components, over the loopback fabric in virtual time.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gmm/managers.h"
#include "kernel/base/random.h"
#include "net/loopback/fabric.h"
#include "net/membership/member.h"
#include "net/messages/space.h"
#include "net/rpc/loop_driver.h"

namespace gmm {

using membership::Member;
using messages::ComponentKind;

inline constexpr std::uint32_t managers_ip = 0x0a4d0001;
inline constexpr std::uint64_t start_of_time_ns = 1'700'000'000 * base::second_ns;
inline constexpr const char* right_key = "the key of this rack\n";

struct VirtualClock final : base::Clock {
  std::uint64_t now = base::second_ns;
  std::uint64_t now_ns() const override { return now; }
};

struct SeededEntropy final : membership::Entropy {
  base::Random random{99};
  void fill(std::span<std::byte> bytes) override {
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next());
  }
};

membership::RackKey key(const std::string& text);

struct Rack;

// What every host on the fabric has.
struct Host {
  Host(Rack& owner, std::uint32_t address, std::uint64_t boot);
  void make_endpoint(rpc::Identity& identity);
  Rack& rack;
  std::uint32_t ip;
  base::BootId boot_id;
  std::unique_ptr<loopback::Host> device;
  base::Own<verbs::ProtectionDomain> domain;
  std::unique_ptr<rpc::HeapBuffers> buffers;
  base::SpinLock lock{base::LockRank::Rpc};
  base::EventLoop loop;
  rpc::LoopDriver driver;
  rpc::Statistics statistics;
  base::Own<rpc::Endpoint> endpoint;
};

struct ManagersHost final : WallClock, StateStore {
  ManagersHost(Rack& rack, std::uint64_t boot, const Counters& restored);
  std::uint64_t wall_time_ns() override;
  Result<> save(const Counters& counters) override {
    saved = counters;
    return {};
  }
  Counters saved;
  Host host;
  Managers managers;
  rpc::Server server;
};

struct Component final : membership::MemberObserver {
  Component(Rack& rack, const std::string& name, ComponentKind kind, std::uint32_t ip, std::uint64_t boot,
            const std::string& key_text);
  membership::Load load() override { return {1000, frames_free, 0}; }
  void joined() override { ++joins; }
  void refused(Error error) override { refusal = error; }
  void lease_lost() override { lost = true; }
  void node_died(const messages::NodeEntry& node) override { deaths.push_back(node.node); }
  base::Task<> allocate_space(rpc::ServerCall& call, messages::SpaceCreateRequest) {
    callers.push_back(call.peer());
    co_return call.reply(messages::SpaceCreateReply{call.peer().node.value()});
  }
  void serve() {
    server.handle<messages::SpaceCreateRequest, &Component::allocate_space>(*this);
    ASSERT_TRUE(host.endpoint->serve(server, messages::component_port).has_value());
  }

  Host host;
  Member member;
  rpc::Server server;
  std::uint64_t frames_free = 1000;
  int joins = 0;
  Error refusal = Error::None;
  bool lost = false;
  std::vector<std::uint32_t> deaths;
  std::vector<rpc::PeerInfo> callers;
};

struct Rack {
  explicit Rack(std::uint64_t seed = 1) : fabric(seed), random(seed) {}
  ~Rack() {
    for (auto& component : components) component->member.stop();
    run([&] { return std::ranges::all_of(components, [](auto& component) { return component->member.stopped(); }); });
    for (auto& component : components) component->host.endpoint.reset();
    if (managers) managers->host.endpoint.reset();
  }
  Component& add(const std::string& name, ComponentKind kind, std::uint32_t number, const char* key_text = right_key) {
    components.push_back(
        std::make_unique<Component>(*this, name, kind, managers_ip + number, ++boots, std::string(key_text)));
    EXPECT_TRUE(components.back()->member.start(*components.back()->host.endpoint).has_value());
    return *components.back();
  }
  void start_managers(const Counters& restored = {}) {
    managers = std::make_unique<ManagersHost>(*this, ++boots, restored);
    ASSERT_TRUE(managers->managers.serve(*managers->host.endpoint, managers->server).has_value());
  }
  bool step() {
    bool any = fabric.step();
    for (Host* host : hosts) any |= host->loop.run_ready();
    return any;
  }
  bool run(const std::function<bool()>& done, std::uint64_t patience_ns = 100 * base::second_ns) {
    const std::uint64_t end = clock.now + patience_ns;
    while (!done()) {
      if (step()) {
        clock.now += random.below(2000);
        continue;
      }
      std::uint64_t next = base::never_ns;
      for (Host* host : hosts) next = std::min(next, host->loop.next_deadline_ns());
      if (next > end) return false;
      clock.now = std::max(clock.now, next);
    }
    return true;
  }
  void pass(std::uint64_t duration_ns) {
    run([] { return false; }, duration_ns);
  }

  loopback::Fabric fabric;
  base::Random random;
  VirtualClock clock;
  SeededEntropy entropy;
  std::vector<Host*> hosts;
  std::uint64_t boots = 500;
  std::unique_ptr<ManagersHost> managers;
  std::vector<std::unique_ptr<Component>> components;
};

}  // namespace gmm

// SPDX-License-Identifier: Apache-2.0
// Hosted tests of net/rpc: components on a loopback fabric, in virtual time, in an order that a seed decides.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "kernel/base/random.h"
#include "net/loopback/fabric.h"
#include "net/rpc/await.h"
#include "net/rpc/endpoint.h"
#include "net/rpc/loop_driver.h"
#include "net/rpc/server.h"
#include "net/rpc/statistics.h"

namespace rpc::test {

struct VirtualClock final : base::Clock {
  std::uint64_t now = base::second_ns;
  std::uint64_t now_ns() const override { return now; }
};

class World;

// One component.
class Node final : public Identity {
 public:
  Node(World& world, std::uint32_t number, std::uint16_t slots);
  ~Node();

  void fill_hello(messages::PeerHello& hello, const NodeAddress&) override {
    hello.node = number;
    if (forge_version) hello.version = 99;
  }
  void check_hello(const messages::PeerHello& hello, std::uint32_t from, AdmissionId admission) override;

  NodeAddress address() const {
    return {base::NodeId(number), ip(), base::BootId(1000 + number), messages::component_port};
  }
  std::uint32_t ip() const { return 0x0a4d0000 + number; }
  Peer& peer(const Node& other) { return **endpoint->peer(other.address()); }
  void serve();
  // Memory that is registered for everything.
  std::span<std::byte> allocate(std::size_t bytes);

  World& world;
  const std::uint32_t number;
  Error hello_answer = Error::None;
  bool forge_version = false;
  bool joined = true;
  std::unique_ptr<loopback::Host> host;
  base::Own<verbs::ProtectionDomain> domain;
  std::unique_ptr<HeapBuffers> buffers;
  RegisteredSlabs slabs;
  base::EventLoop loop;
  base::SpinLock lock{base::LockRank::Rpc};
  LoopDriver driver;
  Statistics statistics;
  Server server;
  base::Own<Endpoint> endpoint;

 private:
  std::vector<std::pair<std::unique_ptr<std::byte[]>, base::Own<verbs::MemoryRegion>>> memory_;
};

class World {
 public:
  explicit World(std::uint64_t seed) : fabric(seed), random(seed + 1) {}
  ~World();

  Node& add(std::uint32_t number, std::uint16_t slots = 8);
  // Until nothing happens within `patience` of virtual time, or until done() is true.
  bool run(const std::function<bool()>& done = nullptr, std::uint64_t patience_ns = 300 * base::second_ns);
  bool step();

  loopback::Fabric fabric;
  base::Random random;
  VirtualClock clock;
  std::vector<std::unique_ptr<Node>> nodes;
};

// A call whose outcome is kept.
class TestCall final : public Call {
 public:
  template <messages::Body T>
  explicit TestCall(const T& body) {
    static_assert(sizeof(T) <= sizeof(bytes_));
    std::memcpy(bytes_, &body, sizeof(T));
    request.operation = T::operation;
    request.body = std::as_bytes(std::span(bytes_, sizeof(T)));
  }
  bool done = false;
  bool free = false;
  Error error = Error::None;
  Reply reply;
  std::function<void()> on_completed;
  std::function<void()> on_released;

 private:
  void completed(Result<Reply> result) override {
    LEGO_ASSERT(!done);
    done = true;
    if (result) {
      reply = std::move(*result);
    } else {
      error = result.error();
    }
    if (on_completed) on_completed();
  }
  void released() override {
    LEGO_ASSERT(done && !free);
    free = true;
    if (auto then = on_released) then();
  }
  unsigned char bytes_[256];
};

}  // namespace rpc::test

// SPDX-License-Identifier: Apache-2.0
// Hosted tests of net/rpc: components in virtual time, in an order that a seed decides; on the loopback fabric
// (LoopWorld) or on RoCE engines with a bad wire between them (roce_world.h).
#pragma once

#include <cstring>
#include <functional>
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

class World;

// Where a component is attached to the world's network.
struct Attachment {
  std::shared_ptr<void> owner;
  verbs::Device& device;
  verbs::ConnectionManager& connections;
};

// One component.
class Node final : public Identity {
 public:
  Node(World& world, std::uint32_t number, std::uint16_t slots);

  // Who it is, and whom it believes: everybody, unless there is a real Identity to ask.
  Identity* identity = nullptr;
  void fill_hello(messages::PeerHello& hello, const NodeAddress& peer) override;
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
  Attachment attachment;
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
  explicit World(std::uint64_t seed) : random(seed + 1) {}
  virtual ~World() = default;
  virtual const base::Clock& clock() const = 0;
  virtual Attachment attach(std::uint32_t ip) = 0;
  // Lets one thing happen in the network that is due before `until_ns`, if there is one, and time pass till then.
  virtual bool network_step(std::uint64_t until_ns) = 0;
  virtual void pass_time(std::uint64_t until_ns) = 0;

  std::uint64_t now_ns() const { return clock().now_ns(); }
  Node& add(std::uint32_t number, std::uint16_t slots = 8);
  // One thing happens, somewhere; false: nothing before `until_ns`.
  bool step(std::uint64_t until_ns);
  // Until done() is true; false: nothing happens any more, or `patience` has passed.
  bool run(const std::function<bool()>& done, std::uint64_t patience_ns = 300 * base::second_ns);
  void run_for(std::uint64_t duration_ns) {
    run([] { return false; }, duration_ns);
  }

  base::Random random;
  std::vector<std::unique_ptr<Node>> nodes;

 protected:
  // Before the network goes. Clients' calls have ended, so no handler runs.
  void remove_nodes();
};

class LoopWorld final : public World {
 public:
  explicit LoopWorld(std::uint64_t seed) : World(seed), fabric(seed) {}
  ~LoopWorld() override { remove_nodes(); }
  const base::Clock& clock() const override { return clock_; }
  Attachment attach(std::uint32_t ip) override;
  bool network_step(std::uint64_t until_ns) override;
  void pass_time(std::uint64_t until_ns) override { clock_.now = std::max(clock_.now, until_ns); }

  loopback::Fabric fabric;

 private:
  struct VirtualClock final : base::Clock {
    std::uint64_t now = base::second_ns;
    std::uint64_t now_ns() const override { return now; }
  };
  VirtualClock clock_;
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
  }
  unsigned char bytes_[256];
};

}  // namespace rpc::test

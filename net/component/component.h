// SPDX-License-Identifier: Apache-2.0
// What every component's image has: the machine's devices, a port on the rack's Ethernet with the RoCE engine, an RPC
// endpoint and server with counters, and membership of the rack. The composition of an image makes one, registers its
// handlers, and starts. A component that cannot join logs why and stays, so that its console can be read.
#pragma once

#include "kernel/base/executor.h"
#include "kernel/base/memory.h"
#include "kernel/boot/boot_info.h"
#include "kernel/drivers/machine.h"
#include "kernel/drivers/network.h"
#include "net/component/configuration.h"
#include "net/component/frame_buffers.h"
#include "net/membership/member.h"
#include "net/port/ethernet_port.h"
#include "net/rpc/endpoint.h"
#include "net/rpc/loop_driver.h"
#include "net/rpc/server.h"
#include "net/rpc/stats_service.h"

namespace component {

struct Options {
  messages::ComponentKind kind{};
  std::uint32_t excache_lines = 0;
  std::uint64_t memory_bytes = 0;
  // Who gets completions; nullptr: the loop (LoopDriver).
  rpc::Driver* driver = nullptr;
};

// Told of membership, on the loop.
class Observer {
 public:
  virtual void joined(membership::Member& member) { (void)member; }
  virtual void node_died(const messages::NodeEntry& node) { (void)node; }
  virtual void rack_memory(const membership::RackMemory& memory) { (void)memory; }
  // For heartbeats; what the kernel has, unless the component knows better.
  virtual membership::Load load() const;
  // The counters frames.*: what the kernel knows, unless the component knows better.
  virtual void report_frames(rpc::CounterSink& sink) const;

 protected:
  ~Observer() = default;
};

class Component final : private membership::MemberObserver, private membership::Entropy, public rpc::CounterSource {
 public:
  // `loop` runs everything but completions that the options give to another driver.
  static base::Result<base::Own<Component>> create(const kernel::BootInfo& boot, base::EventLoop& loop);
  explicit Component(base::EventLoop& loop) : loop_(loop) {}  // for create()

  const Configuration& configuration() const { return configuration_; }
  drivers::Machine& machine() { return machine_; }
  netdev::NetDevice& device() { return *device_; }
  port::EthernetPort& port() { return *port_; }
  verbs::ProtectionDomain& domain() { return *domain_; }
  rpc::Endpoint& endpoint() { return *endpoint_; }
  rpc::Server& server() { return *server_; }
  rpc::StatsService& statistics() { return *stats_; }
  rpc::Statistics& rpc_statistics() { return rpc_statistics_; }  // guarded by the port's lock
  membership::Member& member() { return *member_; }
  std::uint32_t local_key() const { return all_memory_->lkey(); }
  rpc::NodeAddress managers() const;

  // Makes endpoint, server and member; then handlers can be registered on server().
  base::Result<> prepare(const Options& options, Observer& observer);
  // Serves and joins.
  base::Result<> start();

 private:
  base::Result<> start_network(const kernel::BootInfo& boot);
  void report(rpc::CounterSink& sink) override;
  void fill(std::span<std::byte> bytes) override;
  membership::Load load() override { return observer_->load(); }
  void joined() override;
  void refused(base::Error error) override;
  void lease_lost() override;
  void rack_memory(const membership::RackMemory& memory) override { observer_->rack_memory(memory); }
  void node_died(const messages::NodeEntry& node) override { observer_->node_died(node); }

  base::EventLoop& loop_;
  Configuration configuration_;
  membership::RackKey key_;
  base::BootId boot_id_;
  drivers::Machine machine_;
  base::Array<base::Own<netdev::NetDevice>> devices_;
  netdev::NetDevice* device_ = nullptr;
  base::Own<port::EthernetPort> port_;
  base::Own<verbs::ProtectionDomain> domain_;
  base::Own<verbs::MemoryRegion> all_memory_;
  base::Own<FrameBuffers> buffers_;
  rpc::Statistics rpc_statistics_;
  base::Own<rpc::LoopDriver> loop_driver_;
  base::Own<rpc::Endpoint> endpoint_;
  base::Own<rpc::Server> server_;
  base::Own<rpc::StatsService> stats_;
  base::Own<rpc::EndpointCounters> rpc_counters_;
  base::Own<membership::Member> member_;
  Observer* observer_ = nullptr;
};

}  // namespace component

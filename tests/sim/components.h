// SPDX-License-Identifier: Apache-2.0
// The components of a simulated rack: what the images' top files compose, on nodes of a simulated network. Each has
// real membership; the managers are the real ones.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gmm/managers.h"
#include "memory/service/memory_monitor.h"
#include "net/membership/member.h"
#include "net/rpc/test_world.h"
#include "processor/monitor.h"
#include "storage/ext4/file_system.h"
#include "storage/memory_store.h"
#include "storage/service/file_service.h"

namespace sim {

class SeededEntropy final : public membership::Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : random_(seed) {}
  void fill(std::span<std::byte> bytes) override {
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_.next());
  }

 private:
  base::Random random_;
};

class ManagersNode final : private gmm::WallClock {
 public:
  ManagersNode(rpc::test::Node& node, SeededEntropy& entropy);
  static constexpr std::uint32_t number = 1;  // of the node, as the others know it

  rpc::test::Node& node;

 private:
  std::uint64_t wall_time_ns() override;

 public:
  gmm::Managers managers;

 private:
  rpc::Server server_;
};

// A component with membership.
class MemberNode : private membership::MemberObserver {
 public:
  MemberNode(rpc::test::Node& node, SeededEntropy& entropy, messages::ComponentKind kind, const std::string& name,
             std::uint32_t excache_lines, std::uint64_t memory_bytes);
  virtual ~MemberNode() = default;

  rpc::test::Node& node;
  membership::Member member;
  bool rack_ends = false;  // others may leave

 protected:
  void begin();  // serves and joins
  void joined() override {}
  void node_died(const messages::NodeEntry&) override;
  membership::Load load() override { return {.frames_total = 1000, .frames_free = 500, .load = 0}; }

 private:
  void refused(base::Error error) override;
  void lease_lost() override;
};

class MemoryNode final : public MemberNode, private memory::ProcessorObserver, private rpc::CounterSink {
 public:
  MemoryNode(rpc::test::Node& node, SeededEntropy& entropy, const std::string& name, std::uint32_t frames,
             std::uint32_t excache_lines);
  std::uint64_t counter(std::string_view name);  // of the monitor's

 private:
  void joined() override { monitor_->joined(member.node()); }
  membership::Load load() override { return {monitor_->frames_total(), monitor_->frames_free(), 0}; }
  void processor_seen(base::NodeId) override { monitor_->serve_excache(excache_lines_); }
  void counter(std::string_view name, std::uint64_t value) override;

  std::uint32_t excache_lines_;
  std::unique_ptr<memory::MemoryMonitor> monitor_;
  std::string wanted_;
  std::uint64_t value_ = 0;
};

class StorageNode final : public MemberNode, private storage::Mounter {
 public:
  // Without a file system on its disk it only is there: a vNode needs one.
  StorageNode(rpc::test::Node& node, SeededEntropy& entropy, bool formatted);
  ~StorageNode() override;
  storage::MemoryStore& disk() { return disk_; }
  bool mounted() const { return service_->mounted(); }

 private:
  base::Result<base::Own<storage::FileSystem>> mount(storage::Time now) override;
  storage::MemoryStore disk_;
  storage::DirectWorker worker_;
  std::uint32_t mounts_ = 0;
  base::Own<storage::FileService> service_;
};

// The processor monitor runs on the machine's threads; its calls are answered on the node's loop, as by an interrupt.
class ProcessorNode final : public MemberNode, private processor::Personality {
 public:
  ProcessorNode(rpc::test::Node& node, SeededEntropy& entropy, std::uint32_t lines);
  processor::Monitor& monitor() { return *monitor_; }

 private:
  void fault_failed(processor::Thread& thread, arch::TrapFrame& frame, processor::FaultEnd end, base::UserVa address,
                    bool from_user) override;
  base::Own<processor::Monitor> monitor_;
};

// What the lego command is: it makes a vNode and has programs placed.
class ClientNode final : public MemberNode {
 public:
  ClientNode(rpc::test::Node& node, SeededEntropy& entropy);
  struct Placement {
    processor::FamilyHome home;
    rpc::NodeAddress storage;
    base::NodeId processor;
  };
  // A new vNode, and a launch in it.
  base::Task<Placement> launch();
  base::Task<> end(Placement placement);
};

}  // namespace sim

// SPDX-License-Identifier: Apache-2.0
// A component's (or client's) membership of the rack: it joins the managers with a challenge both ways, heartbeats,
// takes the wall time, looks other nodes up, and tells net/rpc whom to believe. Runs as a coroutine on one EventLoop;
// everything but the Identity functions belongs to that loop.
//
// Refused (wrong key, wrong version): logged, told, and not tried again. Managers that cannot be reached are tried
// until stop(). A lost lease (no heartbeat answered for its length, or the managers gave us up) is final: the component
// must stop serving; it may come back with another boot id.
#pragma once

#include <atomic>
#include <string_view>

#include "kernel/base/array.h"
#include "kernel/base/async.h"
#include "kernel/base/executor.h"
#include "kernel/base/task.h"
#include "net/membership/proofs.h"
#include "net/rpc/endpoint.h"
#include "net/rpc/peer.h"

namespace membership {

struct MemberConfiguration {
  RackKey key;
  std::uint32_t managers_ip = 0;
  std::uint32_t ip = 0;
  base::BootId boot_id;
  messages::ComponentKind kind{};
  std::string_view name;  // at most 63 bytes
  std::uint32_t cores = 0;
  std::uint32_t excache_lines = 0;
  std::uint64_t memory_bytes = 0;
};

// What the component has and does now, for heartbeats.
struct Load {
  std::uint64_t frames_total = 0;
  std::uint64_t frames_free = 0;
  std::uint64_t load = 0;
};

// The memory of all living mComponents, as the managers know it.
struct RackMemory {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;
};

class MemberObserver {
 public:
  virtual Load load() = 0;
  virtual void joined() = 0;  // once
  virtual void refused(Error error) = 0;
  virtual void lease_lost() = 0;
  // With each heartbeat.
  virtual void rack_memory(const RackMemory& memory) { (void)memory; }
  // Its calls have ended with PeerDead already. Only for nodes that we knew.
  virtual void node_died(const messages::NodeEntry& node) = 0;

 protected:
  ~MemberObserver() = default;
};

class Member final : public rpc::Identity {
 public:
  Member(const MemberConfiguration& configuration, base::EventLoop& loop, Entropy& entropy, MemberObserver& observer);
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  ~Member();  // stopped

  // After Endpoint::create with this Identity.
  Result<> start(rpc::Endpoint& endpoint);
  void stop();  // soon stopped(); tells the managers, if it has joined
  bool stopped() const { return running_ == 0; }

  bool has_joined() const { return node_.value() != 0; }
  base::NodeId node() const { return node_; }
  std::uint64_t epoch() const { return epoch_; }
  // 0 before joining.
  std::uint64_t wall_time_ns() const { return wall_offset_ns_ == 0 ? 0 : loop_.now_ns() + wall_offset_ns_; }
  rpc::Peer& managers() { return *managers_; }
  // A heartbeat out of turn: the observer knows the rack's memory and deaths as of now when it returns.
  base::Task<> refresh();

  // From the cache, or from the managers. NotFound: there never was such a node; PeerDead: there is no longer.
  base::Task<messages::NodeEntry> look_up(base::NodeId node);
  // The peer to call; entries of messages carry all that is needed (node, ip, boot id).
  Result<rpc::Peer*> peer(base::NodeId node, std::uint32_t ip, base::BootId boot_id);
  static rpc::NodeAddress address_of(const messages::NodeEntry& entry);

  // rpc::Identity
  void fill_hello(messages::PeerHello& hello, const rpc::NodeAddress& peer) override;
  void check_hello(const messages::PeerHello& hello, std::uint32_t ip, rpc::AdmissionId admission) override;

 private:
  struct Alarm final : base::Timer {
    explicit Alarm(base::AsyncCondition& condition) : wakes(condition) {}
    void expired() override { wakes.wake_all(); }
    base::AsyncCondition& wakes;
  };
  base::Task<> run();
  base::Task<> join();
  base::Task<> keep_lease();
  base::Task<> heartbeat();
  base::Task<> refresh_nodes(std::uint64_t version);
  base::Task<> leave();
  base::Task<> check(messages::PeerHello hello, std::uint32_t ip, rpc::AdmissionId admission);
  base::Task<> sleep(std::uint64_t duration_ns);  // ends early at stop()
  void take_wall_time(std::uint64_t wall_time_ns, std::uint64_t asked_ns);
  void remember(const messages::NodeEntry& entry);
  const messages::NodeEntry* find(base::NodeId node) const;
  static bool final_refusal(Error error) {
    return error == Error::VersionMismatch || error == Error::AuthenticationFailed;
  }

  MemberConfiguration configuration_;
  messages::Name name_{};
  base::EventLoop& loop_;
  Entropy& entropy_;
  MemberObserver& observer_;
  rpc::Endpoint* endpoint_ = nullptr;
  rpc::Peer* managers_ = nullptr;
  std::uint32_t running_ = 0;  // coroutines
  bool stopping_ = false;
  bool told_joined_ = false;
  std::atomic<std::uint32_t> hello_node_{0};  // node_, for fill_hello from any context
  base::NodeId node_;
  std::uint64_t epoch_ = 0;
  std::uint64_t heartbeat_interval_ns_ = base::second_ns;
  std::uint64_t lease_ns_ = 30 * base::second_ns;
  std::uint64_t last_heard_ns_ = 0;
  std::uint64_t membership_version_ = 0;
  std::uint64_t wall_offset_ns_ = 0;
  std::uint64_t wall_uncertainty_ns_ = base::never_ns;
  base::Array<messages::NodeEntry> nodes_;
  base::AsyncCondition wakes_;
  Alarm alarm_;
};

}  // namespace membership

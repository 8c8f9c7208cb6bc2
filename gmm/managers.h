// SPDX-License-Identifier: Apache-2.0
// The global managers as a service: the tables of nodes, vNodes, launches and vRegions behind net/rpc. Pure: program,
// simulation and tests give it a loop, a clock, entropy and an endpoint. Everything belongs to that loop. State is in
// memory; what must survive a restart (the ids given out) goes to a StateStore.
#pragma once

#include "gmm/join_table.h"
#include "gmm/launch_table.h"
#include "gmm/node_table.h"
#include "gmm/vnode_table.h"
#include "gmm/vregion_table.h"
#include "kernel/base/executor.h"
#include "net/membership/proofs.h"
#include "net/messages/managers.h"
#include "net/rpc/endpoint.h"
#include "net/rpc/server.h"
#include "net/rpc/stats_service.h"

namespace gmm {

class WallClock {
 public:
  virtual std::uint64_t wall_time_ns() = 0;  // since 1970

 protected:
  ~WallClock() = default;
};

// Ids below these have been given out and are not given out again.
struct Counters {
  std::uint64_t epoch = 0;
  std::uint32_t nodes = 0;
  std::uint64_t vnodes = 0;
  std::uint64_t launches = 0;
};

class StateStore {
 public:
  virtual Result<> save(const Counters& counters) = 0;  // durable when it returns

 protected:
  ~StateStore() = default;
};

class Managers final : public rpc::Identity, public rpc::CallPolicy, public rpc::CounterSource {
 public:
  // `restored`: what was saved last; a new rack: Counters{}. store: null, nothing survives.
  Managers(const membership::RackKey& key, base::EventLoop& loop, membership::Entropy& entropy, WallClock& wall_clock,
           const Counters& restored, StateStore* store);
  Managers(const Managers&) = delete;
  Managers& operator=(const Managers&) = delete;

  // What a server of the managers takes: small requests, few of them per component.
  static rpc::ServerLimits server_limits() { return {.slots = 16, .request_bytes = 8192}; }
  // Registers the handlers and serves. The endpoint has this object as its Identity, the server as its policy.
  Result<> serve(rpc::Endpoint& endpoint, rpc::Server& server);

  NodeTable& nodes() { return nodes_; }
  VNodeTable& vnodes() { return vnodes_; }
  LaunchTable& launches() { return launches_; }
  VRegionTable& vregions() { return vregions_; }
  std::uint64_t epoch() const { return counters_.epoch; }

  // A component is known to be gone before its lease ends (lego saw its QEMU exit).
  void declare_dead(base::NodeId id);

  void fill_hello(messages::PeerHello& hello, const rpc::NodeAddress& peer) override;
  void check_hello(const messages::PeerHello& hello, std::uint32_t ip, rpc::AdmissionId admission) override;
  Error check(const rpc::PeerInfo& peer, messages::Operation operation, base::VNodeId vnode) override;
  void report(rpc::CounterSink& sink) override;

 private:
  struct Alarm final : base::Timer {
    explicit Alarm(Managers& owner) : managers(owner) {}
    void expired() override { managers.look_for_silence(); }
    Managers& managers;
  };

  // managers_membership.cpp
  base::Task<> join(rpc::ServerCall& call, messages::JoinRequest request);
  base::Task<> join_prove(rpc::ServerCall& call, messages::JoinProveRequest request);
  base::Task<> heartbeat(rpc::ServerCall& call, messages::HeartbeatRequest request);
  base::Task<> node_lookup(rpc::ServerCall& call, messages::NodeLookupRequest request);
  base::Task<> node_list(rpc::ServerCall& call, messages::NodeListRequest request);
  base::Task<> leave(rpc::ServerCall& call, messages::LeaveRequest request);
  Result<Node*> admit(const messages::JoinRequest& request);
  void refuse(const messages::JoinRequest& request, std::string_view why);
  void gone(const Node& node);
  void look_for_silence();

  // managers_service.cpp
  base::Task<> vnode_create(rpc::ServerCall& call, messages::VNodeCreateRequest request);
  base::Task<> vnode_destroy(rpc::ServerCall& call, messages::VNodeDestroyRequest request);
  base::Task<> launch_assign(rpc::ServerCall& call, messages::LaunchAssignRequest request);
  base::Task<> launch_end(rpc::ServerCall& call, messages::LaunchEndRequest request);
  base::Task<> vregion_assign(rpc::ServerCall& call, messages::VRegionAssignRequest request);
  base::Task<> vregion_release(rpc::ServerCall& call, messages::VRegionReleaseRequest request);
  Result<> reserve_ids();

  membership::RackKey key_;
  base::EventLoop& loop_;
  membership::Entropy& entropy_;
  WallClock& wall_clock_;
  StateStore* store_;
  rpc::Endpoint* endpoint_ = nullptr;
  Counters counters_;  // saved: ids may be given out up to these
  JoinTable joins_;
  NodeTable nodes_;
  VNodeTable vnodes_;
  LaunchTable launches_;
  VRegionTable vregions_;
  std::uint64_t refused_joins_ = 0;
  std::uint64_t deaths_ = 0;
  Alarm alarm_;
};

}  // namespace gmm

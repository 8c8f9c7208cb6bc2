// SPDX-License-Identifier: Apache-2.0
// Components, clients and the managers together: joining, refusals, leases, deaths, peers that prove who they are, and
// what the managers give out.
#include "gmm/test_rack.h"
#include "net/rpc/await.h"

namespace gmm {
namespace {

TEST(Membership, ComponentsJoinInAnyOrderAndLearnTheTime) {
  Rack rack;
  Component& p = rack.add("p0", ComponentKind::Processor, 1);
  rack.pass(3 * base::second_ns);  // the managers are not there yet
  EXPECT_FALSE(p.member.has_joined());
  rack.start_managers();
  Component& m = rack.add("m0", ComponentKind::Memory, 2);
  ASSERT_TRUE(rack.run([&] { return p.member.has_joined() && m.member.has_joined(); }));
  EXPECT_NE(p.member.node(), m.member.node());
  EXPECT_EQ(p.joins, 1);
  EXPECT_EQ(p.member.epoch(), 1u);
  EXPECT_NEAR(static_cast<double>(p.member.wall_time_ns()), static_cast<double>(rack.managers->wall_time_ns()), 1e6);
  const Node* node = rack.managers->managers.nodes().find(m.member.node());
  EXPECT_EQ(node->kind, ComponentKind::Memory);
  EXPECT_EQ(std::string(node->name.data()), "m0");
  m.frames_free = 17;
  rack.pass(3 * base::second_ns);
  EXPECT_EQ(node->frames_free, 17u);
  EXPECT_EQ(node->frames_total, 1000u);
}

TEST(Membership, AWrongKeyIsRefusedOnBothSides) {
  Rack rack;
  rack.start_managers();
  Component& p = rack.add("p0", ComponentKind::Processor, 1, "the key of another rack\n");
  ASSERT_TRUE(rack.run([&] { return p.refusal != Error::None; }));
  EXPECT_EQ(p.refusal, Error::AuthenticationFailed);
  EXPECT_TRUE(p.member.stopped());
  EXPECT_EQ(rack.managers->managers.nodes().all().size(), 0u);
  EXPECT_EQ(rack.managers->host.statistics.served(2)->errors, 1u);
}

// A client that speaks as it likes.
struct Raw final : rpc::Identity {
  Raw(Rack& rack, std::uint32_t ip, std::uint64_t boot) : host(rack, ip, boot) {
    host.make_endpoint(*this);
    peer = *host.endpoint->peer({{}, managers_ip, {}, messages::managers_port});
  }
  ~Raw() { host.endpoint.reset(); }
  void fill_hello(messages::PeerHello& hello, const rpc::NodeAddress&) override {
    hello.node = node;
    if (version != 0) hello.version = version;
  }
  void check_hello(const messages::PeerHello&, std::uint32_t, rpc::AdmissionId) override {}
  template <typename Request>
  base::Task<> ask(Request request, Result<typename Request::Reply>& answer) {
    auto reply = co_await rpc::call(host.loop, *peer, request, {.timeout_ns = 10 * base::second_ns});
    answer = reply ? Result<typename Request::Reply>(reply->body)
                   : Result<typename Request::Reply>(base::fail(reply.error()));
    co_return {};
  }
  template <typename Request>
  Result<typename Request::Reply> call(const Request& request) {
    Result<typename Request::Reply> answer = base::fail(Error::Again);
    bool done = false;
    base::spawn(ask(request, answer), [&done](Result<>) { done = true; });
    EXPECT_TRUE(host.rack.run([&] { return done; }));
    return answer;
  }
  messages::JoinRequest join() const {
    messages::JoinRequest request;
    request.version = messages::protocol_version;
    request.kind = 1;
    request.ip = host.ip;
    request.boot_id = host.boot_id.value();
    return request;
  }
  Host host;
  std::uint32_t node = 0;
  std::uint16_t version = 0;
  rpc::Peer* peer;
};

TEST(Membership, AnotherVersionIsRefused) {
  Rack rack;
  rack.start_managers();
  {
    Raw raw(rack, managers_ip + 1, 1);
    messages::JoinRequest request = raw.join();
    request.version = messages::protocol_version + 1;
    EXPECT_EQ(raw.call(request).error(), Error::VersionMismatch);
  }
  rack.hosts.pop_back();
  {
    Raw raw(rack, managers_ip + 2, 2);
    raw.version = messages::protocol_version + 1;
    EXPECT_EQ(raw.call(raw.join()).error(), Error::VersionMismatch);
    EXPECT_EQ(rack.managers->host.statistics.traffic.refused_connections, 1u);
  }
  rack.hosts.pop_back();
}

TEST(Membership, OnlyJoiningIsServedToStrangers) {
  Rack rack;
  rack.start_managers();
  {
    Raw raw(rack, managers_ip + 1, 1);
    messages::HeartbeatRequest beat;
    beat.boot_id = 1;
    EXPECT_EQ(raw.call(beat).error(), Error::AccessDenied);
    EXPECT_EQ(raw.call(messages::NodeListRequest{}).error(), Error::AccessDenied);
    EXPECT_EQ(raw.call(messages::VNodeCreateRequest{}).error(), Error::AccessDenied);
    EXPECT_EQ(rack.managers->host.statistics.traffic.refused_requests, 3u);
    messages::JoinRequest request = raw.join();
    request.ip = managers_ip + 77;
    EXPECT_EQ(raw.call(request).error(), Error::AccessDenied);
    request = raw.join();
    request.boot_id = 2;
    EXPECT_EQ(raw.call(request).error(), Error::AccessDenied);
    request = raw.join();
    request.kind = 5;
    EXPECT_EQ(raw.call(request).error(), Error::Malformed);
  }
  rack.hosts.pop_back();
}

TEST(Membership, AProofIsGoodOnce) {
  Rack rack;
  rack.start_managers();
  {
    Raw raw(rack, managers_ip + 1, 1);
    const messages::JoinRequest request = raw.join();
    const auto challenge = raw.call(request);
    ASSERT_TRUE(challenge.has_value());
    messages::JoinProveRequest prove;
    prove.boot_id = 1;
    prove.proof = membership::component_proof(key(right_key), challenge->nonce, request.nonce, base::BootId(1),
                                              ComponentKind::Processor);
    messages::JoinProveRequest forged = prove;
    forged.proof[0] ^= 1;
    EXPECT_EQ(raw.call(forged).error(), Error::AuthenticationFailed);
    EXPECT_EQ(raw.call(prove).error(), Error::NotFound) << "the challenge is used up";
    // The proof of one challenge does not meet another.
    const auto second = raw.call(request);
    EXPECT_NE(second->nonce, challenge->nonce);
    EXPECT_EQ(raw.call(prove).error(), Error::AuthenticationFailed);
    const auto third = raw.call(request);
    prove.proof = membership::component_proof(key(right_key), third->nonce, request.nonce, base::BootId(1),
                                              ComponentKind::Processor);
    const auto grant = raw.call(prove);
    ASSERT_TRUE(grant.has_value());
    EXPECT_EQ(grant->node, 1u);
    EXPECT_EQ(raw.call(prove).error(), Error::NotFound);
    EXPECT_TRUE(raw.call(messages::NodeListRequest{}).has_value());
  }
  rack.hosts.pop_back();
}

TEST(Membership, SilenceEndsALeaseForEverybody) {
  Rack rack;
  rack.start_managers();
  Component& p = rack.add("p0", ComponentKind::Processor, 1);
  Component& m = rack.add("m0", ComponentKind::Memory, 2);
  ASSERT_TRUE(rack.run([&] { return p.member.has_joined() && m.member.has_joined(); }));
  rack.pass(3 * base::second_ns);
  rack.fabric.set_cut(m.host.ip, true);
  rack.pass(20 * base::second_ns);
  EXPECT_TRUE(p.deaths.empty());
  EXPECT_FALSE(m.lost);
  rack.pass(20 * base::second_ns);
  EXPECT_EQ(p.deaths, std::vector<std::uint32_t>{m.member.node().value()});
  EXPECT_TRUE(m.lost) << "it knows by itself";
  EXPECT_FALSE(rack.managers->managers.nodes().find(m.member.node())->alive());
  rack.fabric.set_cut(m.host.ip, false);
  // Started again at the same place it is another node.
  Component& again = rack.add("m0", ComponentKind::Memory, 2);
  ASSERT_TRUE(rack.run([&] { return again.member.has_joined(); }));
  EXPECT_GT(again.member.node(), m.member.node());
}

TEST(Membership, AComponentThatWasStartedAgainReplacesItself) {
  Rack rack;
  rack.start_managers();
  Component& p = rack.add("p0", ComponentKind::Processor, 1);
  Component& m = rack.add("m0", ComponentKind::Memory, 2);
  ASSERT_TRUE(rack.run([&] { return p.member.has_joined() && m.member.has_joined(); }));
  rack.pass(3 * base::second_ns);
  Component& again = rack.add("m0", ComponentKind::Memory, 2);
  ASSERT_TRUE(rack.run([&] { return again.member.has_joined() && !p.deaths.empty() && m.lost; }, 5 * base::second_ns));
  EXPECT_EQ(p.deaths, std::vector<std::uint32_t>{m.member.node().value()});
}

TEST(Membership, ComponentsBelieveOnlyJoinedPeers) {
  Rack rack;
  rack.start_managers();
  Component& p = rack.add("p0", ComponentKind::Processor, 1);
  Component& m = rack.add("m0", ComponentKind::Memory, 2);
  m.serve();
  ASSERT_TRUE(rack.run([&] { return p.member.has_joined() && m.member.has_joined(); }));
  rpc::Peer* peer = *p.member.peer(m.member.node(), m.host.ip, m.host.boot_id);
  const auto ask = [](Component& from, rpc::Peer& to, Result<>& outcome) -> base::Task<> {
    auto reply =
        co_await rpc::call(from.host.loop, to, messages::SpaceCreateRequest{}, {.timeout_ns = 10 * base::second_ns});
    outcome = reply ? Result<>() : Result<>(base::fail(reply.error()));
    co_return {};
  };
  Result<> outcome = base::fail(Error::Again);
  bool done = false;
  base::spawn(ask(p, *peer, outcome), [&done](Result<>) { done = true; });
  ASSERT_TRUE(rack.run([&] { return done; }));
  EXPECT_TRUE(outcome.has_value());
  ASSERT_EQ(m.callers.size(), 1u);
  EXPECT_EQ(m.callers[0].node, p.member.node());
  EXPECT_EQ(m.callers[0].kind, ComponentKind::Processor);
  EXPECT_EQ(m.callers[0].boot_id, p.host.boot_id);

  // Nobody who has not joined, whatever node it says it is, and nobody who asks for another boot.
  for (const std::uint32_t claimed : {0u, p.member.node().value(), 99u}) {
    {
      Raw raw(rack, managers_ip + 3, 3000 + claimed);
      raw.node = claimed;
      raw.peer = *raw.host.endpoint->peer({m.member.node(), m.host.ip, m.host.boot_id, messages::component_port});
      EXPECT_EQ(raw.call(messages::SpaceCreateRequest{}).error(), Error::AuthenticationFailed);
      raw.peer = *raw.host.endpoint->peer({m.member.node(), m.host.ip, base::BootId(4), messages::component_port});
      EXPECT_EQ(raw.call(messages::SpaceCreateRequest{}).error(), Error::PeerDead);
    }
    rack.hosts.pop_back();
  }
  EXPECT_EQ(m.callers.size(), 1u);
}

base::Task<> use_rack(Component& client, Component& memory, std::vector<std::uint32_t>& owners) {
  rpc::Peer& managers = client.member.managers();
  messages::VNodeCreateReply vnode;
  {
    CO_TRY(auto reply, co_await rpc::call(client.host.loop, managers, messages::VNodeCreateRequest{}));
    vnode = reply.body;
  }
  messages::LaunchAssignRequest launch;
  launch.vnode = vnode.vnode;
  messages::LaunchEndRequest end;
  {
    CO_TRY(auto reply, co_await rpc::call(client.host.loop, managers, launch));
    CO_TRY(auto processor, co_await client.member.look_up(base::NodeId(reply.body.processor)));
    if (processor.kind != 1 || processor.ip != reply.body.processor_ip) co_return base::fail(Error::Malformed);
    end.launch = reply.body.launch;
  }
  const messages::le64 indexes[3] = {0, 1, 131071};
  messages::VRegionAssignRequest assign;
  assign.space = 5;
  assign.count = 3;
  const rpc::CallOptions options{.copied_tail = std::as_bytes(std::span(indexes))};
  {
    auto denied = co_await rpc::call(client.host.loop, managers, assign, options);
    if (denied || denied.error() != Error::AccessDenied) co_return base::fail(Error::Malformed);
  }
  {
    CO_TRY(auto reply, co_await rpc::call(memory.host.loop, memory.member.managers(), assign, options));
    for (std::uint32_t i = 0; i < reply.body.count; ++i) {
      messages::VRegionOwner owner;
      std::memcpy(static_cast<void*>(&owner), reply.tail().data() + i * sizeof(owner), sizeof(owner));
      if (owner.index != indexes[i]) co_return base::fail(Error::Malformed);
      owners.push_back(owner.node);
    }
  }
  messages::VRegionReleaseRequest release;
  release.space = 5;
  CO_TRY_VOID(co_await rpc::call(memory.host.loop, memory.member.managers(), release));
  CO_TRY_VOID(co_await rpc::call(client.host.loop, managers, end));
  messages::VNodeDestroyRequest destroy;
  destroy.vnode = vnode.vnode;
  CO_TRY_VOID(co_await rpc::call(client.host.loop, managers, destroy));
  co_return {};
}

TEST(Managers, GiveOutVNodesLaunchesAndVRegions) {
  Rack rack;
  rack.start_managers();
  Component& client = rack.add("lego", ComponentKind::Client, 9);
  rack.add("p0", ComponentKind::Processor, 1);
  Component& m0 = rack.add("m0", ComponentKind::Memory, 2);
  Component& m1 = rack.add("m1", ComponentKind::Memory, 3);
  rack.add("s0", ComponentKind::Storage, 4);
  ASSERT_TRUE(rack.run([&] { return std::ranges::all_of(rack.components, [](auto& c) { return c->joins == 1; }); }));
  Result<> outcome = base::fail(Error::Again);
  bool done = false;
  std::vector<std::uint32_t> owners;
  base::spawn(use_rack(client, m0, owners), [&](Result<> result) {
    outcome = result;
    done = true;
  });
  ASSERT_TRUE(rack.run([&] { return done; }));
  EXPECT_TRUE(outcome.has_value()) << error_name(outcome.error());
  const std::uint32_t first = std::min(m0.member.node(), m1.member.node()).value();
  const std::uint32_t second = std::max(m0.member.node(), m1.member.node()).value();
  EXPECT_EQ(owners, (std::vector<std::uint32_t>{first, second, first}));
  EXPECT_EQ(rack.managers->managers.vnodes().count(), 0u);
  EXPECT_EQ(rack.managers->managers.launches().count(), 0u);
  EXPECT_EQ(rack.managers->managers.vregions().count(), 0u);
}

TEST(Managers, StartedAgainTheyGiveOutNewIdsAndComponentsComeBack) {
  Rack rack;
  rack.start_managers();
  Component& p = rack.add("p0", ComponentKind::Processor, 1);
  ASSERT_TRUE(rack.run([&] { return p.member.has_joined(); }));
  rack.pass(2 * base::second_ns);
  const base::NodeId before = p.member.node();
  const Counters saved = rack.managers->saved;
  EXPECT_GE(saved.nodes, before.value());
  rack.fabric.break_connections(p.host.ip, managers_ip);
  rack.run([] { return false; }, 10 * base::millisecond_ns);
  std::erase(rack.hosts, &rack.managers->host);
  rack.managers->host.endpoint.reset();
  rack.managers.reset();
  rack.pass(2 * base::second_ns);
  rack.start_managers(saved);
  ASSERT_TRUE(rack.run([&] { return p.member.epoch() == 2; }));
  EXPECT_GT(p.member.node(), base::NodeId(saved.nodes));
  EXPECT_EQ(p.joins, 1) << "told once";
  EXPECT_FALSE(p.lost);
}

}  // namespace
}  // namespace gmm

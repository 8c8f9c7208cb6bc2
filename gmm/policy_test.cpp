// SPDX-License-Identifier: Apache-2.0
// The managers' tables against simple models, over random histories.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "gmm/join_table.h"
#include "gmm/launch_table.h"
#include "gmm/node_table.h"
#include "gmm/vnode_table.h"
#include "gmm/vregion_table.h"
#include "kernel/base/clock.h"
#include "kernel/base/random.h"

namespace gmm {
namespace {

using messages::ComponentKind;

messages::JoinRequest request(std::uint64_t boot, ComponentKind kind, std::uint32_t ip) {
  messages::JoinRequest join;
  join.boot_id = boot;
  join.kind = static_cast<std::uint8_t>(kind);
  join.ip = ip;
  join.cores = 1;
  join.memory_bytes = 1 << 30;
  return join;
}

Node& add(NodeTable& nodes, ComponentKind kind) {
  static std::uint64_t boot = 0;
  ++boot;
  return **nodes.join(request(boot, kind, static_cast<std::uint32_t>(boot)), 0);
}

TEST(NodeTable, IdsAreNeverUsedAgainAndVersionsTellOfChanges) {
  base::Random random(1);
  NodeTable nodes;
  std::set<std::uint32_t> given;
  std::map<std::uint32_t, std::uint64_t> alive;  // by id: boot
  std::uint64_t boot = 0;
  std::uint64_t version = nodes.version();
  for (int i = 0; i < 5000; ++i) {
    const auto what = random.below(3);
    if (what == 0 || alive.empty()) {
      const auto ip = static_cast<std::uint32_t>(random.below(40));
      const bool taken = nodes.living_at(ip) != nullptr;
      const auto joined = nodes.join(request(++boot, ComponentKind::Memory, ip), 0);
      ASSERT_EQ(joined.has_value(), !taken);
      if (!joined) continue;
      const std::uint32_t id = (*joined)->id.value();
      EXPECT_TRUE(given.insert(id).second);
      EXPECT_EQ(id, *given.rbegin());
      alive[id] = boot;
    } else {
      const auto chosen = std::next(alive.begin(), static_cast<std::ptrdiff_t>(random.below(alive.size())));
      const base::NodeId id(chosen->first);
      EXPECT_EQ((*nodes.join(request(chosen->second, ComponentKind::Memory, 1), 5))->id, id) << "the same boot";
      what == 1 ? nodes.leave(id) : nodes.declare_dead(id);
      EXPECT_EQ(nodes.join(request(chosen->second, ComponentKind::Memory, 99), 5).error(), Error::Stale);
      messages::HeartbeatRequest beat;
      beat.boot_id = chosen->second;
      EXPECT_EQ(nodes.heard(id, beat, 6).error(), Error::Stale);
      alive.erase(chosen);
    }
    EXPECT_GT(nodes.version(), version);
    version = nodes.version();
    for (const auto& [id, its_boot] : alive) ASSERT_EQ(nodes.find(base::NodeId(id))->boot_id.value(), its_boot);
  }
  EXPECT_LE(nodes.all().size(), max_nodes);
}

TEST(NodeTable, SilenceOfALeaseIsDeath) {
  NodeTable nodes;
  Node& node = add(nodes, ComponentKind::Processor);
  const base::NodeId id = node.id;
  messages::HeartbeatRequest beat;
  beat.boot_id = node.boot_id.value();
  EXPECT_TRUE(nodes.heard(id, beat, 1000).has_value());
  EXPECT_EQ(nodes.next_silence_ns(), 1000 + lease_ns);
  EXPECT_EQ(nodes.silent(1000 + lease_ns - 1), nullptr);
  EXPECT_EQ(nodes.silent(1000 + lease_ns)->id, id);
  beat.boot_id = 12345;
  EXPECT_FALSE(nodes.heard(id, beat, 2000).has_value());
  nodes.declare_dead(id);
  EXPECT_EQ(nodes.silent(base::never_ns), nullptr);
  EXPECT_EQ(nodes.next_silence_ns(), base::never_ns);
}

TEST(NodeTable, KnowsTheMemoryOfTheLiving) {
  NodeTable nodes;
  EXPECT_EQ(nodes.memory().total_bytes, 0u);
  for (std::uint32_t ip = 1; ip <= 3; ++ip) {
    messages::JoinRequest join = request(ip, ip == 3 ? ComponentKind::Processor : ComponentKind::Memory, ip);
    join.memory_bytes = std::uint64_t{ip} << 20;
    ASSERT_TRUE(nodes.join(join, 0));
  }
  EXPECT_EQ(nodes.memory().total_bytes, std::uint64_t{3} << 20) << "an ExCache is no memory of its own";
  EXPECT_EQ(nodes.memory().free_bytes, std::uint64_t{3} << 20);
  messages::HeartbeatRequest beat;
  beat.boot_id = 1u;
  beat.frames_total = 256u;
  beat.frames_free = 10u;
  ASSERT_TRUE(nodes.heard(nodes.find_boot(base::BootId(1))->id, beat, 1));
  EXPECT_EQ(nodes.memory().free_bytes, (std::uint64_t{2} << 20) + 10 * base::page_bytes);
  nodes.declare_dead(nodes.find_boot(base::BootId(2))->id);
  EXPECT_EQ(nodes.memory().total_bytes, std::uint64_t{1} << 20);
}

TEST(NodeTable, ForgetsTheDeadWhenFull) {
  NodeTable nodes;
  for (std::size_t i = 0; i < max_nodes; ++i) {
    ASSERT_TRUE(nodes.join(request(100000 + i, ComponentKind::Client, static_cast<std::uint32_t>(100000 + i)), 0));
  }
  EXPECT_EQ(nodes.join(request(1, ComponentKind::Client, 1), 0).error(), Error::Exhausted);
  nodes.leave(base::NodeId(7));
  const auto joined = nodes.join(request(1, ComponentKind::Client, 1), 0);
  EXPECT_EQ((*joined)->id.value(), max_nodes + 1);
  EXPECT_EQ(nodes.find(base::NodeId(7)), nullptr);
  EXPECT_EQ(nodes.find(base::NodeId(8))->id.value(), 8u);
}

TEST(JoinTable, AChallengeIsGoodOnceAndNotForLong) {
  JoinTable joins;
  PendingJoin join{request(5, ComponentKind::Memory, 1), {}, 100};
  join.nonce[0] = 1;
  EXPECT_TRUE(joins.add(join).has_value());
  join.nonce[0] = 2;
  EXPECT_TRUE(joins.add(join).has_value());
  EXPECT_EQ(joins.take(base::BootId(5), 200)->nonce[0], 2);
  EXPECT_FALSE(joins.take(base::BootId(5), 200).has_value());
  EXPECT_TRUE(joins.add(join).has_value());
  EXPECT_FALSE(joins.take(base::BootId(5), 101 + join_timeout_ns).has_value());
  for (std::uint64_t i = 0; i < max_pending_joins + 10; ++i) {
    EXPECT_TRUE(joins.add({request(1000 + i, ComponentKind::Memory, 1), {}, 100}).has_value());
  }
  EXPECT_FALSE(joins.take(base::BootId(1009), 100).has_value());
  EXPECT_TRUE(joins.take(base::BootId(1010), 100).has_value());
}

TEST(Turn, GoesRoundAndPassesOverTheShort) {
  NodeTable nodes;
  Turn turn(ComponentKind::Memory);
  EXPECT_EQ(turn.next(nodes).error(), Error::NoDevice);
  add(nodes, ComponentKind::Processor);
  const base::NodeId a = add(nodes, ComponentKind::Memory).id;
  const base::NodeId b = add(nodes, ComponentKind::Memory).id;
  const base::NodeId c = add(nodes, ComponentKind::Memory).id;
  for (const base::NodeId wanted : {a, b, c, a}) EXPECT_EQ((*turn.next(nodes))->id, wanted);
  nodes.find(b)->frames_free = 10;
  for (const base::NodeId wanted : {c, a, c, a}) EXPECT_EQ((*turn.next(nodes))->id, wanted);
  nodes.declare_dead(c);
  for (const base::NodeId wanted : {a, a}) EXPECT_EQ((*turn.next(nodes))->id, wanted);
  nodes.find(a)->frames_free = 0;  // all are short: in turn again
  std::map<base::NodeId, int> count;
  for (int i = 0; i < 10; ++i) ++count[(*turn.next(nodes))->id];
  EXPECT_EQ(count[a], 5);
  EXPECT_EQ(count[b], 5);
}

TEST(VNodeTable, TheRootMayBeOnAGivenStorage) {
  NodeTable nodes;
  VNodeTable vnodes;
  const base::NodeId m = add(nodes, ComponentKind::Memory).id;
  const base::NodeId first = add(nodes, ComponentKind::Storage).id;
  const base::NodeId second = add(nodes, ComponentKind::Storage).id;
  for (const base::NodeId storage : {second, second, first})
    EXPECT_EQ((*vnodes.create({}, base::NodeId(77), nodes, storage))->storage, storage);
  EXPECT_EQ(vnodes.create({}, base::NodeId(77), nodes, m).error(), Error::NoDevice);
  EXPECT_EQ(vnodes.create({}, base::NodeId(77), nodes, base::NodeId(99)).error(), Error::NoDevice);
}

TEST(VNodeTable, EachHasAnIdAnAddressAndAHome) {
  NodeTable nodes;
  VNodeTable vnodes;
  const base::NodeId owner(77);
  EXPECT_EQ(vnodes.create({}, owner, nodes).error(), Error::NoDevice);
  const base::NodeId m0 = add(nodes, ComponentKind::Memory).id;
  EXPECT_EQ(vnodes.create({}, owner, nodes).error(), Error::NoDevice);
  const base::NodeId m1 = add(nodes, ComponentKind::Memory).id;
  const base::NodeId s = add(nodes, ComponentKind::Storage).id;
  base::Random random(3);
  std::set<std::uint64_t> ids;
  std::map<std::uint64_t, std::uint32_t> alive;
  std::map<base::NodeId, int> homes;
  for (int i = 0; i < 20000; ++i) {
    if (random.below(2) == 0 || alive.empty()) {
      const auto created = vnodes.create({}, i % 3 == 0 ? owner : base::NodeId(1), nodes);
      if (alive.size() == max_vnodes) {
        EXPECT_EQ(created.error(), Error::Exhausted);
        continue;
      }
      const VNode& vnode = **created;
      EXPECT_TRUE(ids.insert(vnode.id.value()).second);
      EXPECT_EQ(vnode.storage, s);
      for (const auto& [id, ip] : alive) EXPECT_NE(ip, vnode.ip);
      alive[vnode.id.value()] = vnode.ip;
      ++homes[vnode.home_memory];
    } else {
      const auto chosen = std::next(alive.begin(), static_cast<std::ptrdiff_t>(random.below(alive.size())));
      EXPECT_TRUE(vnodes.destroy(base::VNodeId(chosen->first)).has_value());
      EXPECT_EQ(vnodes.destroy(base::VNodeId(chosen->first)).error(), Error::NotFound);
      alive.erase(chosen);
    }
  }
  EXPECT_EQ(vnodes.count(), alive.size());
  EXPECT_NEAR(homes[m0], homes[m1], 2);
  vnodes.owner_gone(owner);
  for (const auto& [id, ip] : alive) {
    const VNode* vnode = vnodes.find(base::VNodeId(id));
    EXPECT_TRUE(vnode == nullptr || vnode->owner != owner);
  }
}

TEST(LaunchTable, GoesWhereTheFewestAreForEachCore) {
  NodeTable nodes;
  LaunchTable launches;
  const base::NodeId client(99);
  EXPECT_EQ(launches.assign(base::VNodeId(1), client, nodes).error(), Error::NoDevice);
  const base::NodeId p0 = add(nodes, ComponentKind::Processor).id;
  const base::NodeId p1 = add(nodes, ComponentKind::Processor).id;
  nodes.find(p1)->cores = 3;
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(launches.assign(base::VNodeId(1), client, nodes).has_value());
  EXPECT_EQ(launches.count_on(p0), 2u);
  EXPECT_EQ(launches.count_on(p1), 6u);
  nodes.find(p1)->cores = 1;
  EXPECT_EQ((*launches.assign(base::VNodeId(2), client, nodes))->processor, p0);
  nodes.declare_dead(p0);
  EXPECT_EQ((*launches.assign(base::VNodeId(2), client, nodes))->processor, p1);
  launches.node_gone(p0);
  EXPECT_EQ(launches.count_on(p0), 0u);
  launches.vnode_gone(base::VNodeId(1));
  EXPECT_EQ(launches.count(), 1u);
  launches.node_gone(client);
  EXPECT_EQ(launches.count(), 0u);
  EXPECT_EQ(launches.end(base::LaunchId(1)).error(), Error::NotFound);
}

TEST(LaunchTable, EqualsTakeTurns) {
  NodeTable nodes;
  LaunchTable launches;
  const base::NodeId p0 = add(nodes, ComponentKind::Processor).id;
  const base::NodeId p1 = add(nodes, ComponentKind::Processor).id;
  for (const base::NodeId wanted : {p0, p1, p0, p1}) {
    const auto launch = launches.assign(base::VNodeId(1), base::NodeId(9), nodes);
    EXPECT_EQ((*launch)->processor, wanted);
    EXPECT_TRUE(launches.end((*launch)->id).has_value());
  }
}

TEST(VRegionTable, FollowsAModel) {
  NodeTable nodes;
  VRegionTable table;
  EXPECT_EQ(table.assign({}, base::VRegionIndex(0), nodes).error(), Error::NoDevice);
  std::vector<base::NodeId> memories;
  for (int i = 0; i < 3; ++i) memories.push_back(add(nodes, ComponentKind::Memory).id);
  base::Random random(5);
  std::map<std::pair<SpaceName, base::VRegionIndex>, base::NodeId> model;
  for (int i = 0; i < 20000; ++i) {
    const SpaceName space{memories[random.below(3)], base::SpaceId(1 + random.below(20))};
    const auto what = random.below(100);
    if (what < 5) {
      table.release(space);
      std::erase_if(model, [&](const auto& entry) { return entry.first.first == space; });
    } else if (what == 5) {
      table.node_gone(space.home);
      std::erase_if(model, [&](const auto& entry) { return entry.first.first.home == space.home; });
    } else {
      const base::VRegionIndex index(random.below(30));
      const auto owner = table.assign(space, index, nodes);
      ASSERT_TRUE(owner.has_value());
      const auto known = model.find({space, index});
      if (known != model.end()) {
        EXPECT_EQ(known->second, (*owner)->id) << "an assignment stays";
      }
      model[{space, index}] = (*owner)->id;
    }
    ASSERT_EQ(table.count(), model.size());
  }
  std::map<base::NodeId, std::size_t> counts;
  for (const auto& [key, owner] : model) ++counts[owner];
  for (const base::NodeId memory : memories) EXPECT_EQ(table.count_on(memory), counts[memory]);
  // What a dead owner held is lost, not given to somebody else.
  const auto lost = model.begin();
  nodes.declare_dead(lost->second);
  EXPECT_EQ(table.assign(lost->first.first, lost->first.second, nodes).error(), Error::PeerDead);
}

}  // namespace
}  // namespace gmm

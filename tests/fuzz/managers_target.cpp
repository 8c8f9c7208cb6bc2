// SPDX-License-Identifier: Apache-2.0
// The global managers under attack by members of the rack and by a stranger: see targets.h. Members that lose their
// place (an attack may well make them leave) stay; what they send then is refused.
#include <algorithm>

#include "gmm/managers.h"
#include "kernel/base/log.h"
#include "kernel/base/random.h"
#include "net/membership/member.h"
#include "net/messages/managers.h"
#include "tests/fuzz/targets.h"

namespace fuzz {
namespace {

using base::Task;
using messages::ComponentKind;
using messages::Operation;

constexpr Operation operations[] = {
    Operation::Join,         Operation::JoinProve,     Operation::Heartbeat,      Operation::NodeLookup,
    Operation::NodeList,     Operation::VNodeCreate,   Operation::VNodeDestroy,   Operation::LaunchAssign,
    Operation::LaunchEnd,    Operation::VRegionAssign, Operation::VRegionRelease, Operation::VNodeCreate,
    Operation::LaunchAssign, Operation::VRegionAssign, Operation::Leave,
};

membership::RackKey rack_key() {
  return *membership::RackKey::from_file(std::as_bytes(std::span<const char>("the key of this rack", 20)));
}

struct SeededEntropy final : membership::Entropy {
  explicit SeededEntropy(std::uint64_t seed) : random(seed) {}
  void fill(std::span<std::byte> bytes) override {
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next());
  }
  base::Random random;
};

// Another identity for a node of the test world.
void identify(rpc::test::Node& node, rpc::Identity& identity) {
  node.endpoint.reset();
  node.endpoint = std::move(*rpc::Endpoint::create({node.attachment.device, *node.domain, node.attachment.connections,
                                                    node.lock, node.world.clock(), *node.buffers, node.driver, identity,
                                                    node.statistics, node.address().boot_id, 8}));
  node.driver.attach(*node.endpoint);
}

// Shows no proof, and so may only join.
struct Stranger final : rpc::Identity {
  void fill_hello(messages::PeerHello&, const rpc::NodeAddress&) override {}
  void check_hello(const messages::PeerHello&, std::uint32_t, rpc::AdmissionId) override {}
};

struct Member final : membership::MemberObserver {
  Member(rpc::test::Node& owner, std::uint32_t managers_ip, ComponentKind kind, membership::Entropy& entropy)
      : node(owner),
        member({rack_key(), managers_ip, owner.ip(), owner.address().boot_id, kind, "member", 2, 64, 1 << 30},
               owner.loop, entropy, *this) {
    identify(node, member);
    require(member.start(*node.endpoint).has_value(), "a member does not start");
  }
  membership::Load load() override { return {1000, 500, 1}; }
  void joined() override {}
  void refused(base::Error) override {}
  void lease_lost() override {}
  void node_died(const messages::NodeEntry&) override {}
  rpc::test::Node& node;
  membership::Member member;
};

class ManagersTarget final : public Target, public gmm::WallClock {
 public:
  explicit ManagersTarget(std::uint64_t seed) : entropy_(seed), world_(seed) {
    base::set_log_level(base::LogLevel::Error);
    managers_ = std::make_unique<gmm::Managers>(rack_key(), host_.loop, entropy_, *this, gmm::Counters{}, nullptr);
    server_ = std::make_unique<rpc::Server>(host_.loop, managers_.get(), gmm::Managers::server_limits());
    identify(host_, *managers_);
    require(managers_->serve(*host_.endpoint, *server_).has_value(), "the managers do not serve");
    for (const ComponentKind kind :
         {ComponentKind::Client, ComponentKind::Memory, ComponentKind::Processor, ComponentKind::Storage}) {
      add_member(kind);
    }
    for (const std::size_t attacker : {0u, 1u}) add_attacker(members_[attacker]->node);
    rpc::test::Node& outside = world_.add(20);
    identify(outside, stranger_);
    add_attacker(outside);
  }

  ~ManagersTarget() override {
    for (auto& attacker : attackers_) attacker->finish();
    for (auto& member : members_) member->member.stop();
    require(
        world_.run([&] { return std::ranges::all_of(members_, [](auto& each) { return each->member.stopped(); }); }),
        "a member does not stop");
    for (auto& node : world_.nodes) node->endpoint.reset();
  }

  void attack(std::span<const std::byte> bytes) override {
    Choices choices(bytes);
    attackers_[choices.below(attackers_.size())]->attack(choices);
  }

  // Somebody new can join, and is told of itself.
  void check() override {
    for (auto& attacker : attackers_) attacker->finish();
    Member& member = add_member(ComponentKind::Client);
    base::Error error = base::Error::Busy;
    base::spawn(member.member.look_up(member.member.node()), [&](base::Result<messages::NodeEntry> entry) {
      error = entry ? base::Error::None : entry.error();
      require(!entry || entry->boot_id == member.node.address().boot_id.value(), "the managers take it for another");
    });
    require(world_.run([&] { return error != base::Error::Busy; }) && error == base::Error::None,
            "who behaves is not served");
    Totals totals;
    collect(totals);
  }

  void collect(Totals& totals) override {
    add_up(totals, host_, {attackers_[0].get(), attackers_[1].get(), attackers_[2].get()});
  }

 private:
  std::uint64_t wall_time_ns() override { return 1'700'000'000 * base::second_ns + world_.now_ns(); }

  Member& add_member(ComponentKind kind) {
    rpc::test::Node& node = world_.add(30 + static_cast<std::uint32_t>(members_.size()));
    members_.push_back(std::make_unique<Member>(node, host_.ip(), kind, entropy_));
    Member& member = *members_.back();
    require(world_.run([&] { return member.member.has_joined(); }), "a member cannot join");
    return member;
  }
  void add_attacker(rpc::test::Node& node) {
    rpc::Peer* peer = *node.endpoint->peer({{}, host_.ip(), {}, messages::managers_port});
    attackers_.push_back(std::make_unique<Attacker>(world_, node, *peer, operations));
  }

  SeededEntropy entropy_;
  Stranger stranger_;
  rpc::test::LoopWorld world_;
  rpc::test::Node& host_ = world_.add(1);
  std::unique_ptr<gmm::Managers> managers_;
  std::unique_ptr<rpc::Server> server_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<std::unique_ptr<Attacker>> attackers_;
};

}  // namespace

std::unique_ptr<Target> make_managers_target(std::uint64_t seed) { return std::make_unique<ManagersTarget>(seed); }

}  // namespace fuzz

// SPDX-License-Identifier: Apache-2.0
// See components.h.
#include "tests/sim/components.h"

#include <cstring>

#include "net/rpc/await.h"
#include "storage/ext4/testing/image.h"
#include "tests/sim/machine.h"
#include "tests/sim/report.h"

namespace sim {
namespace {

using base::Result;
using base::Task;
using messages::ComponentKind;

constexpr std::uint64_t start_of_time_ns = 1'700'000'000 * base::second_ns;

membership::RackKey rack_key() {
  constexpr std::string_view text = "the key of the simulated rack\n";
  return *membership::RackKey::from_file(std::as_bytes(std::span(text)));
}

rpc::NodeAddress managers_address(rpc::test::Node& node) {
  rpc::test::Node& managers = *node.world.nodes.front();
  return {{}, managers.ip(), {}, messages::managers_port};
}

}  // namespace

// --- Managers
// ---------------------------------------------------------------------------------------------------------

ManagersNode::ManagersNode(rpc::test::Node& own, SeededEntropy& entropy)
    : node(own),
      managers(rack_key(), own.loop, entropy, *this, gmm::Counters{}, nullptr),
      server_(own.loop, &managers, gmm::Managers::server_limits()) {
  node.identity = &managers;
  require(managers.serve(*node.endpoint, server_).has_value(), "the managers cannot serve");
}

std::uint64_t ManagersNode::wall_time_ns() { return start_of_time_ns + node.world.now_ns(); }

// --- Members
// ----------------------------------------------------------------------------------------------------------

MemberNode::MemberNode(rpc::test::Node& own, SeededEntropy& entropy, ComponentKind kind, const std::string& name,
                       std::uint32_t excache_lines, std::uint64_t memory_bytes)
    : node(own),
      member({rack_key(), managers_address(own).ip, own.ip(), own.address().boot_id, kind, name, 2, excache_lines,
              memory_bytes},
             own.loop, entropy, *this) {
  node.identity = &member;
}

void MemberNode::begin() {
  node.serve();
  require(member.start(*node.endpoint).has_value(), "a component cannot start");
}

void MemberNode::node_died(const messages::NodeEntry&) { require(rack_ends, "a component was declared dead"); }
void MemberNode::refused(base::Error) { fail("a component was refused"); }
void MemberNode::lease_lost() { fail("a component lost its lease"); }

// --- The mComponent
// ---------------------------------------------------------------------------------------------------

MemoryNode::MemoryNode(rpc::test::Node& own, SeededEntropy& entropy, const std::string& name, std::uint32_t frames,
                       std::uint32_t excache_lines)
    : MemberNode(own, entropy, ComponentKind::Memory, name, 0, frames * base::page_bytes),
      excache_lines_(excache_lines),
      monitor_(std::make_unique<memory::MemoryMonitor>(node.loop, *node.endpoint, node.server, node.slabs,
                                                       managers_address(own))) {
  monitor_->observe_processors(*this);
  const auto memory = node.allocate(frames * base::page_bytes);
  const auto key = node.slabs.local(memory);
  require(key && monitor_->add_frames(memory.data(), frames, key->lkey), "no frames");
  for (int i = 0; i < 4; ++i)
    require(monitor_->add_staging(node.allocate(memory::FileStorage::max_read_bytes)).has_value(), "no staging");
  begin();
}

void MemoryNode::counter(std::string_view name, std::uint64_t value) {
  if (name == wanted_) value_ = value;
}

std::uint64_t MemoryNode::counter(std::string_view name) {
  wanted_ = name;
  value_ = ~std::uint64_t{0};
  monitor_->report(*this);
  require(value_ != ~std::uint64_t{0}, "no such counter");
  return value_;
}

// --- The sComponent
// ---------------------------------------------------------------------------------------------------

StorageNode::StorageNode(rpc::test::Node& own, SeededEntropy& entropy, bool formatted)
    : MemberNode(own, entropy, ComponentKind::Storage, "s0", 0, 0) {
  if (formatted) {
    static const std::vector<std::byte> empty_image = ext4::testing::Image(2).bytes();
    require(disk_.bytes().resize(empty_image.size()).has_value(), "no disk");
    std::memcpy(disk_.bytes().data(), empty_image.data(), empty_image.size());
  }
  service_ = std::move(*storage::FileService::create(node.loop, worker_, *this, *node.buffers, ComponentKind::Memory));
  service_->serve(node.server);
  begin();
}

StorageNode::~StorageNode() = default;

Result<base::Own<storage::FileSystem>> StorageNode::mount(storage::Time now) {
  auto system = TRY(ext4::FileSystem::mount(disk_, {.first_generation = 1000u * ++mounts_}, now));
  return base::Own<storage::FileSystem>(std::move(system));
}

// --- The pComponent
// ---------------------------------------------------------------------------------------------------

ProcessorNode::ProcessorNode(rpc::test::Node& own, SeededEntropy& entropy, std::uint32_t lines)
    : MemberNode(own, entropy, ComponentKind::Processor, "p0", lines, lines * base::page_bytes) {
  monitor_ = std::move(*processor::Monitor::start({.excache_bytes = lines * base::page_bytes,
                                                   .endpoint = *node.endpoint,
                                                   .domain = *node.domain,
                                                   .personality = *this}));
  begin();
}

void ProcessorNode::fault_failed(processor::Thread& thread, arch::TrapFrame&, processor::FaultEnd end, base::UserVa,
                                 bool) {
  Machine::get().core_of(thread.kernel_thread()).fault_failed(end);
}

// --- The client
// -------------------------------------------------------------------------------------------------------

ClientNode::ClientNode(rpc::test::Node& own, SeededEntropy& entropy)
    : MemberNode(own, entropy, ComponentKind::Client, "lego", 0, 0) {
  begin();
}

Task<ClientNode::Placement> ClientNode::launch() {
  messages::VNodeCreateRequest create;
  std::memcpy(create.hostname.data(), "sim", 4);
  CO_TRY(const auto vnode, co_await rpc::call(node.loop, member.managers(), create));
  CO_TRY(const auto memory, co_await member.look_up(base::NodeId(vnode.body.home_memory)));
  CO_TRY(const auto disk, co_await member.look_up(base::NodeId(vnode.body.storage)));
  messages::LaunchAssignRequest assign;
  assign.vnode = vnode.body.vnode;
  CO_TRY(const auto launch, co_await rpc::call(node.loop, member.managers(), assign));
  Placement result;
  result.home = {base::LaunchId(launch.body.launch), base::VNodeId(vnode.body.vnode),
                 membership::Member::address_of(memory)};
  result.storage = membership::Member::address_of(disk);
  result.processor = base::NodeId(launch.body.processor);
  co_return result;
}

Task<> ClientNode::end(Placement placement) {
  messages::LaunchEndRequest end_launch;
  end_launch.launch = placement.home.launch.value();
  CO_TRY_VOID(co_await rpc::call(node.loop, member.managers(), end_launch));
  messages::VNodeDestroyRequest destroy;
  destroy.vnode = placement.home.vnode.value();
  CO_TRY_VOID(co_await rpc::call(node.loop, member.managers(), destroy));
  co_return {};
}

}  // namespace sim

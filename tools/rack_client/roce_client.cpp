// SPDX-License-Identifier: Apache-2.0
// Joining, vNode and program; the console is in program_link.cpp.
#include "tools/rack_client/roce_client.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/rpc/await.h"
#include "net/rpc/limits.h"

namespace rack_client {
namespace {

constexpr std::uint64_t look_again_ns = 20 * base::millisecond_ns;
// Releasing a large program's memory, and syncing a disk, may take a while on a slow host.
constexpr std::uint64_t long_timeout_ns = 120 * base::second_ns;
constexpr std::size_t bulk_bytes = 1 << 20;  // counters as JSON are the largest
constexpr std::size_t tail_bytes = rpc::max_request_bytes - 1024;

std::string name_of(const messages::NodeEntry& entry) {
  return {entry.name.data(), strnlen(entry.name.data(), entry.name.size())};
}

messages::Name to_name(const std::string& text) {
  messages::Name name{};
  std::copy_n(text.begin(), std::min(text.size(), name.size() - 1), name.begin());
  return name;
}

void append(std::string& strings, const std::string& text) { strings.append(text.c_str(), text.size() + 1); }

}  // namespace

base::Result<std::unique_ptr<RoceClient>> RoceClient::create(poll_loop::PollLoop& loop, const ClientConfig& config,
                                                             std::function<void(std::string)> lost) {
  std::unique_ptr<RoceClient> client(new RoceClient(loop, std::move(lost)));
  TRY(client->join(config));
  return client;
}

base::Result<> RoceClient::join(const ClientConfig& config) {
  node_ = TRY(linux_node::LinuxNode::attach(loop_, linux_node::on_switch(config.node),
                                            [this] { lost_("the switch is gone"); }));
  const membership::MemberConfiguration membership{.key = config.key,
                                                   .managers_ip = config.managers_ip,
                                                   .ip = config.node.ip,
                                                   .boot_id = node_->boot_id(),
                                                   .kind = messages::ComponentKind::Client,
                                                   .name = config.name};
  membership::MemberObserver& observer = *this;
  member_ = std::make_unique<membership::Member>(membership, events(), entropy_, observer);
  TRY(node_->open(*member_));
  bulk_ = TRY(RegisteredBuffer::create(node_->lock(), node_->domain(), bulk_bytes));
  input_ = TRY(RegisteredBuffer::create(node_->lock(), node_->domain(), tail_bytes));
  return member_->start(node_->endpoint());
}

RoceClient::~RoceClient() {
  link_.reset();
  bulk_.reset();
  input_.reset();
  node_.reset();  // the endpoint uses the member as its identity
}

void RoceClient::refused(base::Error error) {
  lost_(fmt::format("the managers refuse this client: {}", base::error_name(error)));
}

void RoceClient::node_died(const messages::NodeEntry& node) {
  lost_(fmt::format("{} does not answer any more", name_of(node)));
}

base::Task<std::vector<messages::NodeEntry>> RoceClient::list_nodes() {
  std::vector<messages::NodeEntry> nodes;
  for (;;) {
    messages::NodeListRequest request;
    request.first = static_cast<std::uint32_t>(nodes.size());
    CO_TRY(auto reply, co_await rpc::call(events(), member_->managers(), request));
    const std::size_t count = reply.body.count;
    if (reply.tail().size() != count * sizeof(messages::NodeEntry)) co_return base::fail(base::Error::Malformed);
    const std::size_t before = nodes.size();
    nodes.resize(before + count);
    if (count > 0) std::memcpy(static_cast<void*>(&nodes[before]), reply.tail().data(), reply.tail().size());
    if (count == 0 || nodes.size() >= reply.body.total) co_return nodes;
  }
}

base::Task<std::vector<std::string>> RoceClient::wait_for_members(std::vector<std::string> names,
                                                                  std::uint64_t deadline_ns) {
  for (;;) {
    if (member_->has_joined()) {
      if (auto nodes = co_await list_nodes()) {
        std::erase_if(names, [&](const std::string& name) {
          return std::ranges::any_of(
              *nodes, [&](const messages::NodeEntry& entry) { return entry.alive != 0 && name_of(entry) == name; });
        });
        if (names.empty()) co_return names;
      }
    }
    if (events().now_ns() >= deadline_ns) co_return names;
    co_await base::Sleep(events(), events().now_ns() + look_again_ns);
  }
}

base::Task<> RoceClient::start_program(ProgramSpec spec) {
  CO_TRY_VOID(co_await create_vnode(spec.hostname, spec.root));
  CO_TRY_VOID(co_await assign_launch());
  CO_TRY_VOID(co_await send_program(std::move(spec)));
  link_.emplace(events(), *processor_, vnode_, launch_, *input_);
  co_return {};
}

base::Task<> RoceClient::create_vnode(std::string hostname, std::string root) {
  messages::VNodeCreateRequest request;
  request.hostname = to_name(hostname);
  if (!root.empty()) {
    CO_TRY(const auto nodes, co_await list_nodes());
    const auto node = std::ranges::find_if(nodes, [&](const auto& entry) { return name_of(entry) == root; });
    if (node == nodes.end()) co_return base::fail(base::Error::NoDevice);
    request.storage = node->node;
  }
  CO_TRY(auto reply, co_await rpc::call(events(), member_->managers(), request));
  vnode_ = base::VNodeId(reply.body.vnode);
  home_memory_ = base::NodeId(reply.body.home_memory);
  storage_ = base::NodeId(reply.body.storage);
  co_return {};
}

base::Task<> RoceClient::assign_launch() {
  messages::LaunchAssignRequest request;
  request.vnode = vnode_.value();
  messages::LaunchAssignReply assigned;
  {
    CO_TRY(auto reply, co_await rpc::call(events(), member_->managers(), request));
    assigned = reply.body;
  }
  launch_ = base::LaunchId(assigned.launch);
  CO_TRY(processor_, member_->peer(base::NodeId(assigned.processor), assigned.processor_ip,
                                   base::BootId(assigned.processor_boot_id)));
  co_return {};
}

base::Task<> RoceClient::send_program(ProgramSpec spec) {
  CO_TRY(const messages::NodeEntry home, co_await member_->look_up(home_memory_));
  CO_TRY(const messages::NodeEntry storage, co_await member_->look_up(storage_));
  messages::ProgramStartRequest request;
  request.launch = launch_.value();
  request.vnode = vnode_.value();
  request.home_memory = home.node;
  request.home_memory_ip = home.ip;
  request.home_memory_boot_id = home.boot_id;
  request.storage = storage.node;
  request.storage_ip = storage.ip;
  request.storage_boot_id = storage.boot_id;
  request.uid = spec.uid;
  request.gid = spec.gid;
  request.rows = spec.window.rows;
  request.columns = spec.window.columns;
  request.terminals = spec.terminals;
  request.argc = static_cast<std::uint32_t>(spec.arguments.size());
  request.envc = static_cast<std::uint32_t>(spec.environment.size());
  request.trace = spec.trace;
  request.kept = spec.kept;
  request.hostname = to_name(spec.hostname);
  std::string strings;
  append(strings, spec.working_directory);
  append(strings, spec.arguments.at(0));
  for (const std::string& argument : spec.arguments) append(strings, argument);
  for (const std::string& variable : spec.environment) append(strings, variable);
  if (strings.size() > input_->size()) co_return base::fail(base::Error::TooBig);
  input_->fill(std::as_bytes(std::span(strings)));
  const verbs::Sge tail[] = {input_->front(static_cast<std::uint32_t>(strings.size()))};
  CO_TRY_VOID(co_await rpc::call(events(), *processor_, request, {.tail = tail, .vnode = vnode_}));
  co_return {};
}

base::Task<> RoceClient::release_program() {
  messages::ProgramReleaseRequest release;
  release.launch = launch_.value();
  CO_TRY_VOID(co_await rpc::call(events(), *processor_, release, {.vnode = vnode_, .timeout_ns = long_timeout_ns}));
  messages::LaunchEndRequest end;
  end.launch = launch_.value();
  CO_TRY_VOID(co_await rpc::call(events(), member_->managers(), end));
  co_return {};
}

base::Task<std::string> RoceClient::read_counters(rpc::Peer& peer) {
  messages::StatsReadRequest request;
  CO_TRY(auto reply, co_await rpc::call(events(), peer, request, {.bulk = bulk_->remote()}));
  if (reply.body.bytes != reply.body.total_bytes) co_return base::fail(base::Error::TooBig);
  co_return std::string(bulk_->text(reply.body.bytes));
}

base::Task<std::map<std::string, std::string>> RoceClient::read_stats() {
  std::map<std::string, std::string> texts;
  CO_TRY(const auto nodes, co_await list_nodes());
  for (const messages::NodeEntry& entry : nodes) {
    if (entry.alive == 0 || entry.kind == static_cast<std::uint8_t>(messages::ComponentKind::Client)) continue;
    CO_TRY(rpc::Peer* const peer, member_->peer(base::NodeId(entry.node), entry.ip, base::BootId(entry.boot_id)));
    CO_TRY(texts[name_of(entry)], co_await read_counters(*peer));
  }
  if (!texts.contains("gmm")) {
    CO_TRY(texts["gmm"], co_await read_counters(member_->managers()));
  }
  co_return texts;
}

base::Task<> RoceClient::destroy_vnode() {
  messages::VNodeDestroyRequest request;
  request.vnode = vnode_.value();
  CO_TRY_VOID(co_await rpc::call(events(), member_->managers(), request, {.timeout_ns = long_timeout_ns}));
  co_return {};
}

base::Task<> RoceClient::leave() {
  member_->stop();
  while (!member_->stopped()) co_await base::Sleep(events(), events().now_ns() + base::millisecond_ns);
  co_return {};
}

}  // namespace rack_client

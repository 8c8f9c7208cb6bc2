// SPDX-License-Identifier: Apache-2.0
// Joining, vNode and program; the console is in program_link.cpp.
#include "tools/rack_client/roce_client.h"

#include <fmt/format.h>
#include <sys/random.h>

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

std::uint64_t random_number(membership::Entropy& entropy) {
  std::uint64_t number = 0;
  while (number == 0) entropy.fill(std::as_writable_bytes(std::span(&number, 1)));
  return number;
}

void append(std::string& strings, const std::string& text) { strings.append(text.c_str(), text.size() + 1); }

}  // namespace

void RoceClient::GetRandom::fill(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got > 0) bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

base::Result<std::unique_ptr<RoceClient>> RoceClient::create(poll_loop::PollLoop& loop,
                                                             const std::filesystem::path& switch_socket,
                                                             const ClientAddress& address,
                                                             const membership::RackKey& key,
                                                             std::function<void(std::string)> lost) {
  std::unique_ptr<RoceClient> client(new RoceClient(loop, std::move(lost)));
  TRY(client->attach_to_rack(switch_socket, address, key));
  return client;
}

base::Result<> RoceClient::attach_to_rack(const std::filesystem::path& switch_socket, const ClientAddress& address,
                                          const membership::RackKey& key) {
  roce::EngineConfig config;
  config.mac = address.mac;
  config.ipv4 = address.ip;
  config.prefix_length = address.prefix_length;
  config.link_mtu = 4200;
  config.seed = random_number(entropy_);
  auto socket = TRY(ether_socket::EtherSocket::connect(switch_socket));
  port_ = TRY(
      roce_socket::RocePort::create(loop_, lock_, std::move(socket), config, [this] { lost_("the switch is gone"); }));
  {
    const base::SpinGuard guard(lock_);
    domain_ = TRY(port_->engine().device().allocate_protection_domain());
  }
  buffers_ = std::make_unique<rpc::HeapBuffers>(*domain_);
  const base::BootId boot_id(random_number(entropy_));
  membership::MemberConfiguration membership{.key = key,
                                             .managers_ip = address.managers_ip,
                                             .ip = address.ip,
                                             .boot_id = boot_id,
                                             .kind = messages::ComponentKind::Client,
                                             .name = address.name};
  membership::MemberObserver& observer = *this;
  member_ = std::make_unique<membership::Member>(membership, events(), entropy_, observer);
  endpoint_ = TRY(rpc::Endpoint::create({port_->engine().device(), *domain_, port_->engine().connections(), lock_,
                                         events().clock(), *buffers_, driver_, *member_, statistics_, boot_id}));
  driver_.attach(*endpoint_);
  bulk_ = TRY(RegisteredBuffer::create(lock_, *domain_, bulk_bytes));
  input_ = TRY(RegisteredBuffer::create(lock_, *domain_, tail_bytes));
  return member_->start(*endpoint_);
}

RoceClient::~RoceClient() {
  link_.reset();
  endpoint_.reset();
  member_.reset();
  bulk_.reset();
  input_.reset();
  const base::SpinGuard guard(lock_);
  buffers_.reset();
  domain_.reset();
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
  CO_TRY_VOID(co_await create_vnode(spec.hostname));
  CO_TRY_VOID(co_await assign_launch());
  CO_TRY_VOID(co_await send_program(std::move(spec)));
  link_.emplace(events(), *processor_, vnode_, launch_, *bulk_, *input_);
  co_return {};
}

base::Task<> RoceClient::create_vnode(std::string hostname) {
  messages::VNodeCreateRequest request;
  request.hostname = to_name(hostname);
  CO_TRY(auto reply, co_await rpc::call(events(), member_->managers(), request));
  vnode_ = base::VNodeId(reply.body.vnode);
  home_memory_ = base::NodeId(reply.body.home_memory);
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
  messages::ProgramStartRequest request;
  request.launch = launch_.value();
  request.vnode = vnode_.value();
  request.home_memory = home.node;
  request.home_memory_ip = home.ip;
  request.home_memory_boot_id = home.boot_id;
  request.uid = spec.uid;
  request.gid = spec.gid;
  request.rows = spec.window.rows;
  request.columns = spec.window.columns;
  request.terminals = spec.terminals;
  request.argc = static_cast<std::uint32_t>(spec.arguments.size());
  request.envc = static_cast<std::uint32_t>(spec.environment.size());
  request.trace = spec.trace;
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

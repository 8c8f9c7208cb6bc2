// SPDX-License-Identifier: Apache-2.0
// See test_world.h.
#include "net/rpc/test_world.h"

#include <algorithm>

namespace rpc::test {

Node::Node(World& owner, std::uint32_t node, std::uint16_t slots)
    : world(owner),
      number(node),
      attachment(owner.attach(ip())),
      domain(std::move(*attachment.device.allocate_protection_domain())),
      buffers(std::make_unique<HeapBuffers>(*domain)),
      loop(owner.clock()),
      driver(loop),
      server(loop) {
  endpoint = std::move(*Endpoint::create({attachment.device, *domain, attachment.connections, lock, world.clock(),
                                          *buffers, driver, *this, statistics, base::BootId(1000 + number), slots}));
  driver.attach(*endpoint);
}

void Node::serve() {
  const auto serving = endpoint->serve(server, messages::component_port);
  LEGO_ASSERT(serving.has_value());
}

void Node::fill_hello(messages::PeerHello& hello, const NodeAddress& peer) {
  if (identity != nullptr) return identity->fill_hello(hello, peer);
  hello.node = number;
}

void Node::check_hello(const messages::PeerHello& hello, std::uint32_t from, AdmissionId admission) {
  if (identity != nullptr) return identity->check_hello(hello, from, admission);
  endpoint->admit(admission, PeerInfo{base::NodeId(hello.node), base::BootId(hello.boot_id),
                                      messages::ComponentKind::Processor, from});
}

std::span<std::byte> Node::allocate(std::size_t bytes) {
  auto memory = std::make_unique_for_overwrite<std::byte[]>(bytes);
  std::memset(memory.get(), 0, bytes);
  const auto address = reinterpret_cast<std::uint64_t>(memory.get());
  auto region = domain->register_memory(address, bytes, verbs::Access::LocalWrite | verbs::Access::RemoteWrite);
  const auto added = slabs.add(address, bytes, **region);
  LEGO_ASSERT(added.has_value());
  memory_.emplace_back(std::move(memory), std::move(*region));
  return {memory_.back().first.get(), bytes};
}

Node& World::add(std::uint32_t number, std::uint16_t slots) {
  nodes.push_back(std::make_unique<Node>(*this, number, slots));
  return *nodes.back();
}

void World::remove_nodes() {
  for (auto& node : nodes) node->endpoint.reset();
  nodes.clear();
}

bool World::step(std::uint64_t until_ns) {
  // Whoever has something to do now, or the network, in any order.
  const std::size_t first = random.below(nodes.size() + 1);
  for (std::size_t i = 0; i <= nodes.size(); ++i) {
    const std::size_t chosen = (first + i) % (nodes.size() + 1);
    if (chosen == nodes.size() ? network_step(now_ns()) : nodes[chosen]->loop.run_ready()) return true;
  }
  std::uint64_t next = until_ns;
  for (auto& node : nodes) next = std::min(next, node->loop.next_deadline_ns());
  if (network_step(next)) return true;
  pass_time(next);
  return next < until_ns;
}

bool World::run(const std::function<bool()>& done, std::uint64_t patience_ns) {
  const std::uint64_t end = now_ns() + patience_ns;
  while (!done()) {
    if (!step(end)) return false;
  }
  return true;
}

Attachment LoopWorld::attach(std::uint32_t ip) {
  std::shared_ptr<loopback::Host> host = fabric.attach(ip);
  return {host, *host, *host};
}

bool LoopWorld::network_step(std::uint64_t) {
  if (!fabric.step()) return false;
  clock_.now += random.below(2000);
  return true;
}

}  // namespace rpc::test

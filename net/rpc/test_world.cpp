// SPDX-License-Identifier: Apache-2.0
// See test_world.h.
#include "net/rpc/test_world.h"

#include <algorithm>

namespace rpc::test {

Node::Node(World& owner, std::uint32_t node, std::uint16_t slots)
    : world(owner), number(node), loop(owner.clock), driver(loop), server(loop) {
  host = world.fabric.attach(ip());
  domain = std::move(*host->allocate_protection_domain());
  buffers = std::make_unique<HeapBuffers>(*domain);
  endpoint = std::move(*Endpoint::create({*host, *domain, *host, lock, world.clock, *buffers, driver, *this, statistics,
                                          base::BootId(1000 + number), slots}));
  driver.attach(*endpoint);
}

Node::~Node() = default;

void Node::serve() {
  const auto serving = endpoint->serve(server, messages::component_port);
  LEGO_ASSERT(serving.has_value());
}

void Node::check_hello(const messages::PeerHello& hello, std::uint32_t from, AdmissionId admission) {
  if (hello_answer != Error::None) {
    endpoint->admit(admission, base::fail(hello_answer));
    return;
  }
  const PeerInfo who{base::NodeId(joined ? hello.node.get() : 0), base::BootId(hello.boot_id),
                     messages::ComponentKind::Processor, from};
  endpoint->admit(admission, who);
}

std::span<std::byte> Node::allocate(std::size_t bytes) {
  auto memory = std::make_unique<std::byte[]>(bytes);
  const auto address = reinterpret_cast<std::uint64_t>(memory.get());
  auto region = domain->register_memory(address, bytes, verbs::Access::LocalWrite | verbs::Access::RemoteWrite);
  LEGO_ASSERT(slabs.add(address, bytes, **region).has_value());
  memory_.emplace_back(std::move(memory), std::move(*region));
  return {memory_.back().first.get(), bytes};
}

Node& World::add(std::uint32_t number, std::uint16_t slots) {
  nodes.push_back(std::make_unique<Node>(*this, number, slots));
  return *nodes.back();
}

// Clients before servers: handlers have ended when their clients' calls have.
World::~World() {
  for (auto& node : nodes) node->endpoint.reset();
  nodes.clear();
}

bool World::step() {
  const std::size_t first = random.below(nodes.size() + 1);
  for (std::size_t i = 0; i <= nodes.size(); ++i) {
    const std::size_t chosen = (first + i) % (nodes.size() + 1);
    if (chosen == nodes.size() ? fabric.step() : nodes[chosen]->loop.run_ready()) return true;
  }
  return false;
}

bool World::run(const std::function<bool()>& done, std::uint64_t patience_ns) {
  const std::uint64_t end = clock.now + patience_ns;
  for (;;) {
    if (done && done()) return true;
    if (step()) {
      clock.now += random.below(2000);
      continue;
    }
    std::uint64_t next = base::never_ns;
    for (auto& node : nodes) next = std::min(next, node->loop.next_deadline_ns());
    if (next > end) return !done;
    clock.now = std::max(clock.now, next);
  }
}

}  // namespace rpc::test

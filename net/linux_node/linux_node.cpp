// SPDX-License-Identifier: Apache-2.0
#include "net/linux_node/linux_node.h"

#include <sys/random.h>

namespace linux_node {
namespace {

constexpr std::uint32_t link_mtu = 4200;  // a page in one packet

}  // namespace

void GetRandom::fill(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got > 0) bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

std::uint64_t GetRandom::number() {
  std::uint64_t number = 0;
  while (number == 0) fill(std::as_writable_bytes(std::span(&number, 1)));
  return number;
}

base::Result<std::unique_ptr<LinuxNode>> LinuxNode::attach(poll_loop::PollLoop& loop, const NodeConfig& config,
                                                           std::function<void()> lost) {
  std::unique_ptr<LinuxNode> node(new LinuxNode(loop));
  GetRandom random;
  node->boot_id_ = base::BootId(random.number());
  roce::EngineConfig engine;
  engine.mac = config.mac;
  engine.ipv4 = config.ip;
  engine.prefix_length = config.prefix_length;
  engine.link_mtu = link_mtu;
  engine.seed = random.number();
  auto socket = TRY(ether_socket::EtherSocket::connect(config.switch_socket));
  node->port_ = TRY(roce_socket::RocePort::create(loop, node->lock_, std::move(socket), engine, std::move(lost)));
  {
    const base::SpinGuard guard(node->lock_);
    node->domain_ = TRY(node->port_->engine().device().allocate_protection_domain());
  }
  node->buffers_ = std::make_unique<rpc::HeapBuffers>(*node->domain_);
  return node;
}

base::Result<> LinuxNode::open(rpc::Identity& identity) {
  roce::Engine& engine = port_->engine();
  endpoint_ = TRY(rpc::Endpoint::create({engine.device(), *domain_, engine.connections(), lock_, loop().clock(),
                                         *buffers_, driver_, identity, statistics_, boot_id_}));
  driver_.attach(*endpoint_);
  return {};
}

LinuxNode::~LinuxNode() {
  endpoint_.reset();
  const base::SpinGuard guard(lock_);
  buffers_.reset();
  domain_.reset();
}

}  // namespace linux_node

// SPDX-License-Identifier: Apache-2.0
#include "net/linux_node/linux_node.h"

namespace linux_node {

base::Result<std::unique_ptr<LinuxNode>> LinuxNode::attach(poll_loop::PollLoop& loop, const MakeFabric& make_fabric,
                                                           std::function<void()> lost) {
  std::unique_ptr<LinuxNode> node(new LinuxNode(loop));
  node->boot_id_ = base::BootId(GetRandom().number());
  node->fabric_ = TRY(make_fabric(loop, node->lock_, std::move(lost)));
  {
    const base::SpinGuard guard(node->lock_);
    node->domain_ = TRY(node->fabric_->device().allocate_protection_domain());
  }
  node->buffers_ = std::make_unique<rpc::HeapBuffers>(*node->domain_);
  return node;
}

base::Result<> LinuxNode::open(rpc::Identity& identity) {
  endpoint_ = TRY(rpc::Endpoint::create({fabric_->device(), *domain_, fabric_->connections(), lock_, loop().clock(),
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

// SPDX-License-Identifier: Apache-2.0
// What a Linux program needs to speak net/rpc on the rack's network: a fabric and an rpc::Endpoint on it, all driven by
// one PollLoop and on its thread. Members are in the order in which they are made and go in the reverse; the endpoint's
// rule holds that its calls have ended before.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/linux_node/fabric.h"
#include "net/linux_node/get_random.h"
#include "net/rpc/endpoint.h"
#include "net/rpc/loop_driver.h"
#include "net/rpc/statistics.h"

namespace linux_node {

class LinuxNode {
 public:
  // `lost` is called, once, when the network is gone.
  static base::Result<std::unique_ptr<LinuxNode>> attach(poll_loop::PollLoop& loop, const MakeFabric& make_fabric,
                                                         std::function<void()> lost);
  LinuxNode(const LinuxNode&) = delete;
  LinuxNode& operator=(const LinuxNode&) = delete;
  ~LinuxNode();

  // Once. The identity outlives the node.
  base::Result<> open(rpc::Identity& identity);
  // Ends the endpoint; what it used (identity, server, services) may go then, before the node does.
  void close() { endpoint_.reset(); }

  base::EventLoop& loop() { return loop_.loop(); }
  base::SpinLock& lock() { return lock_; }
  verbs::ProtectionDomain& domain() { return *domain_; }
  rpc::HeapBuffers& buffers() { return *buffers_; }
  rpc::Statistics& statistics() { return statistics_; }
  Fabric& fabric() { return *fabric_; }
  rpc::Endpoint& endpoint() { return *endpoint_; }
  base::BootId boot_id() const { return boot_id_; }

 private:
  explicit LinuxNode(poll_loop::PollLoop& loop) : loop_(loop), driver_(loop.loop()) {}

  poll_loop::PollLoop& loop_;
  base::BootId boot_id_;
  base::SpinLock lock_{base::LockRank::Rpc};
  std::unique_ptr<Fabric> fabric_;
  base::Own<verbs::ProtectionDomain> domain_;
  std::unique_ptr<rpc::HeapBuffers> buffers_;
  rpc::LoopDriver driver_;
  rpc::Statistics statistics_;
  base::Own<rpc::Endpoint> endpoint_;
};

// The key's file; the error says what is wrong with it.
base::Result<membership::RackKey> read_key_file(const std::string& path);

}  // namespace linux_node

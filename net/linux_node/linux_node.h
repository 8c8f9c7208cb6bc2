// SPDX-License-Identifier: Apache-2.0
// What a Linux program (gmmd, lego) needs to speak net/rpc on the rack's virtual Ethernet: a port of the switch,
// software RoCEv2 on it, and an rpc::Endpoint, all driven by one PollLoop and on its thread. Members are in the order
// in which they are made and go in the reverse; the endpoint's rule holds that its calls have ended before.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/membership/proofs.h"
#include "net/roce_socket/roce_port.h"
#include "net/rpc/endpoint.h"
#include "net/rpc/loop_driver.h"
#include "net/rpc/statistics.h"

namespace linux_node {

struct NodeConfig {
  std::string switch_socket;  // of this program's port
  std::uint32_t ip = 0;       // host order
  std::uint8_t prefix_length = 16;
  roce::MacAddress mac;
};

// Unpredictable bytes of the kernel.
class GetRandom final : public membership::Entropy {
 public:
  void fill(std::span<std::byte> bytes) override;
  std::uint64_t number();  // never 0
};

class LinuxNode {
 public:
  // `lost` is called, once, when the switch is gone.
  static base::Result<std::unique_ptr<LinuxNode>> attach(poll_loop::PollLoop& loop, const NodeConfig& config,
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
  roce_socket::RocePort& port() { return *port_; }
  rpc::Endpoint& endpoint() { return *endpoint_; }
  base::BootId boot_id() const { return boot_id_; }

 private:
  explicit LinuxNode(poll_loop::PollLoop& loop) : loop_(loop), driver_(loop.loop()) {}

  poll_loop::PollLoop& loop_;
  base::BootId boot_id_;
  base::SpinLock lock_{base::LockRank::Rpc};
  std::unique_ptr<roce_socket::RocePort> port_;
  base::Own<verbs::ProtectionDomain> domain_;
  std::unique_ptr<rpc::HeapBuffers> buffers_;
  rpc::LoopDriver driver_;
  rpc::Statistics statistics_;
  base::Own<rpc::Endpoint> endpoint_;
};

// The key's file; the error says what is wrong with it.
base::Result<membership::RackKey> read_key_file(const std::string& path);

}  // namespace linux_node

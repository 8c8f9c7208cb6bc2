// SPDX-License-Identifier: Apache-2.0
// The RDMA network as a Linux program has it: our own RoCEv2 on a port of the virtual switch (switch_fabric.h), or a
// device of the machine through libibverbs (net/ibverbs).
#pragma once

#include <functional>
#include <memory>

#include "kernel/base/spinlock.h"
#include "net/poll_loop/poll_loop.h"
#include "net/verbs/connection_manager.h"

namespace linux_node {

struct NetworkCounters {
  std::uint64_t tx_packets = 0;
  std::uint64_t tx_bytes = 0;
  std::uint64_t rx_packets = 0;
  std::uint64_t rx_bytes = 0;
  std::uint64_t retransmits = 0;
};

class Fabric {
 public:
  virtual ~Fabric() = default;
  virtual verbs::Device& device() = 0;
  virtual verbs::ConnectionManager& connections() = 0;
  virtual NetworkCounters counters() = 0;  // with the lock held
};

// lock: serialises the device for everyone. lost: called, once, when the network is gone.
using MakeFabric = std::function<base::Result<std::unique_ptr<Fabric>>(poll_loop::PollLoop& loop, base::SpinLock& lock,
                                                                       std::function<void()> lost)>;

}  // namespace linux_node

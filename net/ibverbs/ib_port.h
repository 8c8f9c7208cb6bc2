// SPDX-License-Identifier: Apache-2.0
// net/verbs on a libibverbs device, for Linux programs: device and connection manager, driven by a PollLoop. What
// RocePort is for our own engine. The lock is the one that serialises the device for everyone (rpc::Endpoint's).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kernel/base/spinlock.h"
#include "net/ibverbs/connection_manager.h"
#include "net/ibverbs/device.h"
#include "net/linux_node/fabric.h"
#include "net/poll_loop/poll_loop.h"

namespace ibverbs {

class IbPort final : public linux_node::Fabric {
 public:
  // device: see IbDevice::open. `lost` is called, once, when the device is gone.
  static Result<std::unique_ptr<linux_node::Fabric>> open(poll_loop::PollLoop& loop, base::SpinLock& lock,
                                                          const std::string& device, const verbs::Gid& address,
                                                          std::function<void()> lost);
  IbPort(const IbPort&) = delete;
  IbPort& operator=(const IbPort&) = delete;
  ~IbPort() override;

  verbs::Device& device() override { return *device_; }
  verbs::ConnectionManager& connections() override { return *connections_; }
  linux_node::NetworkCounters counters() override;

 private:
  explicit IbPort(base::SpinLock& lock) : lock_(lock) {}

  base::SpinLock& lock_;
  base::Own<IbDevice> device_;
  base::Own<IbConnectionManager> connections_;
  std::string counters_folder_;
  std::function<void()> lost_;
  poll_loop::PollLoop::Watch completions_watch_, events_watch_, connections_watch_;
};

// For LinuxNode and gmmd.
linux_node::MakeFabric on_device(const std::string& device, const verbs::Gid& address);

}  // namespace ibverbs

// SPDX-License-Identifier: Apache-2.0
#include "net/ibverbs/ib_port.h"

#include <fstream>
#include <utility>

namespace ibverbs {
namespace {

// What the kernel counts for the port, where the device's driver has it: /sys/class/infiniband/DEVICE/ports/N/counters.
std::uint64_t read_counter(const std::string& folder, const char* name) {
  std::ifstream file(folder + name);
  std::uint64_t value = 0;
  file >> value;
  return value;
}

}  // namespace

Result<std::unique_ptr<linux_node::Fabric>> IbPort::open(poll_loop::PollLoop& loop, base::SpinLock& lock,
                                                         const std::string& device, const verbs::Gid& address,
                                                         std::function<void()> lost) {
  std::unique_ptr<IbPort> port(new IbPort(lock));
  port->device_ = TRY(IbDevice::open(device, address));
  Context& context = port->device_->context();
  port->connections_ = TRY(IbConnectionManager::create(context));
  port->counters_folder_ = std::string("/sys/class/infiniband/") + ibv_get_device_name(context.device->device) +
                           "/ports/" + std::to_string(context.port) + "/counters/";
  port->lost_ = std::move(lost);
  IbPort& self = *port;
  self.completions_watch_ = loop.watch(self.device_->completions_fd(), POLLIN, [&self](short) {
    const base::SpinGuard guard(self.lock_);
    self.device_->take_completions();
  });
  self.connections_watch_ = loop.watch(self.connections_->events_fd(), POLLIN, [&self](short) {
    const base::SpinGuard guard(self.lock_);
    self.connections_->take_events();
  });
  self.events_watch_ = loop.watch(self.device_->events_fd(), POLLIN, [&self](short) {
    if (self.device_->take_events()) return;
    self.events_watch_ = {};
    if (auto told = std::exchange(self.lost_, nullptr)) told();
  });
  return port;
}

IbPort::~IbPort() {
  const base::SpinGuard guard(lock_);
  connections_.reset();
  device_.reset();
}

linux_node::NetworkCounters IbPort::counters() {
  constexpr std::uint64_t unit_bytes = 4;  // of port_xmit_data and port_rcv_data
  return {.tx_packets = read_counter(counters_folder_, "port_xmit_packets"),
          .tx_bytes = unit_bytes * read_counter(counters_folder_, "port_xmit_data"),
          .rx_packets = read_counter(counters_folder_, "port_rcv_packets"),
          .rx_bytes = unit_bytes * read_counter(counters_folder_, "port_rcv_data"),
          .retransmits = 0};
}

linux_node::MakeFabric on_device(const std::string& device, const verbs::Gid& address) {
  return [device, address](poll_loop::PollLoop& loop, base::SpinLock& lock, std::function<void()> lost) {
    return IbPort::open(loop, lock, device, address, std::move(lost));
  };
}

}  // namespace ibverbs

// SPDX-License-Identifier: Apache-2.0
// A virtio network device (Virtual I/O Device 1.2, 5.1) with one pair of queues and no offloads: RoCEv2 has no UDP
// checksum, and its own checksum no network card here computes.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "kernel/base/clock.h"
#include "kernel/base/memory.h"
#include "kernel/device/dma.h"
#include "kernel/netdev/net_device.h"
#include "kernel/virtio/lifecycle.h"
#include "kernel/virtio/net_receive.h"
#include "kernel/virtio/net_transmit.h"
#include "kernel/virtio/transport.h"

namespace virtio {

class VirtioNet final : public netdev::NetDevice {
 public:
  // Brings the device up; it receives from then on. NotSupported: it is not modern, or has no address of its own.
  static base::Result<base::Own<VirtioNet>> create(base::Own<Transport> transport, device::DmaMemory& memory,
                                                   const base::Clock& clock);
  VirtioNet(base::Own<Transport> transport, const base::Clock& clock)
      : life_("network device", std::move(transport), *this), clock_(clock) {}
  ~VirtioNet() override { shut_down(life_.transport()); }

  netdev::MacAddress mac() const override { return mac_; }
  std::uint32_t mtu() const override { return mtu_; }
  base::Result<> transmit(std::span<const netdev::Segment> segments, netdev::TransmitDone* done) override;
  void set_receiver(netdev::Receiver& receiver) override { receiver_ = &receiver; }
  void set_transmit_space(netdev::TransmitSpace& space) override { space_ = &space; }
  void set_prompt_completions(bool prompt) override { prompt_.store(prompt, std::memory_order_relaxed); }
  void drain() override;
  netdev::Counters counters() const override;

  std::uint32_t poll(std::uint32_t budget) override;
  bool arm() override;
  void disarm() override;
  void set_interrupt_handler(device::InterruptHandler& handler) override { life_.set_handler(handler); }

 private:
  base::Result<> start(device::DmaMemory& memory);
  base::Result<> read_configuration(std::uint64_t features);
  base::Result<> create_queues(device::DmaMemory& memory, std::uint64_t features);
  std::uint32_t poll_once(std::uint32_t budget);
  bool queue_broken() const { return receive_->broken() || transmit_->broken(); }

  Lifecycle life_;
  const base::Clock& clock_;
  base::Own<NetReceive> receive_;
  base::Own<NetTransmit> transmit_;
  netdev::MacAddress mac_{};
  std::uint32_t mtu_ = 1500;
  netdev::Receiver* receiver_ = nullptr;
  netdev::TransmitSpace* space_ = nullptr;
  std::atomic<bool> prompt_{false};
};

}  // namespace virtio

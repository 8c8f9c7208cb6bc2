// SPDX-License-Identifier: Apache-2.0
// Answers the test program's frames: echoes them, floods it with frames of its own, reports counters. Echoed and
// flooded frames lend their memory to the device; each is given back before it is used again.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "kernel/core/event_core.h"
#include "kernel/device/dma.h"
#include "kernel/netdev/net_device.h"
#include "tests/rack/drivers/test_protocol.h"

namespace drivers_test {

class FrameAnswerer final : public netdev::Receiver, public netdev::TransmitSpace {
 public:
  FrameAnswerer(netdev::NetDevice& device, kernel::EventCore& core) : device_(device), core_(core) {}
  base::Result<> start(device::DmaMemory& memory);

  void frame(std::span<const std::byte> frame, netdev::More more) override;
  void transmit_space_available() override;

 private:
  static constexpr std::size_t echo_buffers = 64;
  struct Echo final : netdev::TransmitDone {
    void transmitted() override;
    FrameAnswerer* owner = nullptr;
    std::span<std::byte> memory;
    bool lent = false;
  };
  struct Flood final : netdev::TransmitDone {
    explicit Flood(FrameAnswerer& answerer) : owner(answerer) {}
    void transmitted() override;
    FrameAnswerer& owner;
    Head head{};
    std::uint32_t total = 0, sent = 0, told = 0;
  };
  void echo(std::span<const std::byte> frame);
  void flood();
  void finish_flood();
  void report(Head head);
  Head answer(const Head& head, Command command) const;

  netdev::NetDevice& device_;
  kernel::EventCore& core_;
  base::Array<Echo> echoes_;
  Flood flood_{*this};
  std::span<std::byte> flood_page_;
  std::uint64_t lent_ = 0, told_ = 0, spaces_ = 0;
  bool was_full_ = false;
};

}  // namespace drivers_test

// SPDX-License-Identifier: Apache-2.0
// For tests of the network driver: the driver on a fake device of any shape, with somebody who receives.
#pragma once

#include <gtest/gtest.h>

#include "kernel/virtio/fake_device.h"
#include "kernel/virtio/net.h"

namespace virtio {

using base::Error;
using netdev::Segment;
using Bytes = std::vector<std::byte>;

inline constexpr std::uint64_t merge_feature = feature(15);
inline constexpr std::uint16_t rx = 0, tx = 1;

inline Bytes pattern(std::size_t size, unsigned seed = 1) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + seed);
  return bytes;
}

struct Done : netdev::TransmitDone {
  void transmitted() override { ++told; }
  unsigned told = 0;
};

struct Sink : netdev::Receiver, netdev::TransmitSpace, device::InterruptHandler {
  void frame(std::span<const std::byte> frame, netdev::More follows) override {
    frames.emplace_back(frame.begin(), frame.end());
    more.push_back(follows == netdev::More::Yes);
    if (on_frame) on_frame();
  }
  void transmit_space_available() override { ++spaces; }
  void interrupt() override { ++interrupts; }
  std::vector<Bytes> frames;
  std::vector<bool> more;
  unsigned spaces = 0, interrupts = 0;
  std::function<void()> on_frame;
};

// Time passes by looking at it.
struct LookingClock : base::Clock {
  std::uint64_t now_ns() const override { return now += base::millisecond_ns; }
  mutable std::uint64_t now = 0;
};

struct Shape {
  bool merge;
  bool event_index;
  bool indirect;
};

class NetRig : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    fake.features = feature_version_1 | feature(3) | feature(5);
    if (GetParam().merge) fake.features |= merge_feature;
    if (GetParam().event_index) fake.features |= feature_event_index;
    if (GetParam().indirect) fake.features |= feature_indirect_descriptors;
    fake.queue_sizes = {64, 64};
    fake.set_config(0, mac);
    fake.set_config<std::uint16_t>(6, 1);
    fake.set_config<std::uint16_t>(8, 1);
    fake.set_config<std::uint16_t>(10, 4200);
  }
  void start() {
    auto made = create();
    ASSERT_TRUE(made) << base::error_name(made.error());
    net = std::move(*made);
    net->set_receiver(sink);
    net->set_transmit_space(sink);
    net->set_interrupt_handler(sink);
  }
  base::Result<base::Own<VirtioNet>> create() {
    return VirtioNet::create(base::make<FakeTransport>(fake), memory, clock);
  }

  // The device receives a frame, over as many buffers as `parts` says.
  void deliver(std::span<const std::byte> frame, std::uint16_t parts = 1) {
    const std::size_t each = (frame.size() + parts - 1) / parts;
    for (std::uint16_t part = 0; part < parts; ++part) {
      auto chain = fake.queues[rx].pop();
      ASSERT_TRUE(chain);
      Bytes bytes;
      if (part == 0) {
        bytes.resize(12);
        std::memcpy(bytes.data() + 10, &parts, 2);
      }
      const std::size_t begin = part * each, end = std::min(frame.size(), begin + each);
      bytes.insert(bytes.end(), frame.begin() + static_cast<std::ptrdiff_t>(begin),
                   frame.begin() + static_cast<std::ptrdiff_t>(end));
      ASSERT_EQ(chain->write(bytes), bytes.size());
      fake.queues[rx].push(chain->id, static_cast<std::uint32_t>(bytes.size()));
    }
  }
  // The device takes a frame to send (not yet giving it back).
  std::optional<FakeQueue::Chain> take_sent(Bytes& frame) {
    auto chain = fake.queues[tx].pop();
    if (!chain) return chain;
    frame = chain->read_all();
    EXPECT_GE(frame.size(), 12u);
    for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(frame[i], std::byte{0}) << "virtio header";
    frame.erase(frame.begin(), frame.begin() + 12);
    return chain;
  }
  base::Result<> send(std::span<const std::byte> payload, netdev::TransmitDone* to_tell) {
    const Bytes head = pattern(66, 3), tail = pattern(4, 9);
    const Segment segments[] = {{head, Segment::Storage::Copied}, {payload}, {tail, Segment::Storage::Copied}};
    return net->transmit(segments, to_tell);
  }

  const netdev::MacAddress mac{0x52, 0x54, 0, 1, 2, 3};
  FakeDevice fake;
  FakeMemory memory;
  LookingClock clock;
  Sink sink;
  Done done;
  base::Own<VirtioNet> net;
};

inline std::string name_of(const testing::TestParamInfo<Shape>& shape) {
  return std::string(shape.param.merge ? "merge" : "single") + (shape.param.event_index ? "_events" : "_flags") +
         (shape.param.indirect ? "_tables" : "");
}
inline const auto all_shapes =
    testing::Values(Shape{true, true, true}, Shape{false, true, true}, Shape{true, false, false},
                    Shape{false, false, true}, Shape{true, true, false});

}  // namespace virtio

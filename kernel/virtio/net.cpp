// SPDX-License-Identifier: Apache-2.0
// Bringing a virtio network device up, and its two queues under one poll().
#include "kernel/virtio/net.h"

#include <algorithm>
#include <bit>

#include "kernel/base/log.h"

namespace virtio {

using base::Error;
using base::fail;
using base::Result;

namespace {

// 5.1.3
constexpr std::uint64_t feature_mtu = feature(3);
constexpr std::uint64_t feature_mac = feature(5);
constexpr std::uint64_t feature_merge_receive_buffers = feature(15);
// 5.1.4
constexpr std::size_t config_mac = 0;
constexpr std::size_t config_mtu = 10;

constexpr std::uint16_t receive_queue = 0;
constexpr std::uint16_t transmit_queue = 1;

constexpr std::uint32_t smallest_mtu = 68;    // 5.1.4.1
constexpr std::uint32_t largest_mtu = 9000;   // receive buffers are this long: 256 of them take 2.3 MiB
constexpr std::uint16_t largest_queue = 256;  // enough for a millisecond of full frames at 10 Gbit/s

constexpr std::uint64_t drain_patience_ns = 3 * base::second_ns;  // no working link is stuck for so long

Result<std::uint16_t> queue_size(Transport& transport, std::uint16_t index) {
  if (index >= transport.queue_count()) return fail(Error::NotSupported);
  const std::uint16_t offered = transport.queue_size_max(index);
  if (offered == 0) return fail(Error::NotSupported);
  return std::bit_floor(std::min(offered, largest_queue));
}

}  // namespace

Result<base::Own<VirtioNet>> VirtioNet::create(base::Own<Transport> transport, device::DmaMemory& memory,
                                               const base::Clock& clock) {
  auto device = TRY(base::try_make<VirtioNet>(std::move(transport), clock));
  TRY(device->start(memory));
  return device;
}

Result<> VirtioNet::start(device::DmaMemory& memory) {
  Transport& transport = life_.transport();
  const std::uint64_t features = TRY(negotiate(transport, feature_mtu | feature_mac | feature_merge_receive_buffers));
  TRY(read_configuration(features));
  TRY(create_queues(memory, features));
  TRY(life_.connect_interrupts());
  TRY(transport.enable_queue(receive_queue, receive_->queue()));
  TRY(transport.enable_queue(transmit_queue, transmit_->queue()));
  const bool notify = TRY(receive_->post_all());
  TRY(go_live(transport));
  if (notify) transport.notify(receive_queue);
  return {};
}

Result<> VirtioNet::read_configuration(std::uint64_t features) {
  if ((features & feature_mac) == 0) return fail(Error::NotSupported);
  mac_ = TRY(read_config_field<netdev::MacAddress>(life_.transport(), config_mac));
  if ((features & feature_mtu) != 0) {
    const auto offered = TRY(read_config_field<std::uint16_t>(life_.transport(), config_mtu));
    if (offered < smallest_mtu) return fail(Error::Malformed);
    mtu_ = std::min<std::uint32_t>(offered, largest_mtu);
  }
  return {};
}

Result<> VirtioNet::create_queues(device::DmaMemory& memory, std::uint64_t features) {
  Transport& transport = life_.transport();
  const bool event_index = (features & feature_event_index) != 0;
  const bool merge = (features & feature_merge_receive_buffers) != 0;
  const std::size_t max_frame_bytes = netdev::ethernet_header_bytes + mtu_;
  SplitQueue::Options options{.size = TRY(queue_size(transport, receive_queue)), .event_index = event_index};
  receive_ = TRY(NetReceive::create(memory, options, max_frame_bytes, merge));
  options.size = TRY(queue_size(transport, transmit_queue));
  if ((features & feature_indirect_descriptors) != 0) {
    options.tables = options.size / 2;
    options.table_entries = std::min<std::uint16_t>(netdev::max_frame_segments + 1, options.size);
  }
  transmit_ = TRY(NetTransmit::create(memory, options, max_frame_bytes));
  return {};
}

Result<> VirtioNet::transmit(std::span<const netdev::Segment> segments, netdev::TransmitDone* done) {
  if (life_.failed()) return fail(Error::NoDevice);
  if (TRY(transmit_->transmit(segments, done))) life_.transport().notify(transmit_queue);
  return {};
}

std::uint32_t VirtioNet::poll(std::uint32_t budget) {
  return life_.poll(budget, [this](std::uint32_t left) { return poll_once(left); });
}

std::uint32_t VirtioNet::poll_once(std::uint32_t budget) {
  std::uint32_t handled = transmit_->poll(budget, life_.failed(), space_);
  if (life_.failed()) return handled;
  bool notify = false;
  handled += receive_->poll(receiver_, budget - handled, notify);
  if (notify) life_.transport().notify(receive_queue);
  if (queue_broken()) {
    life_.fail("it broke the rules of a queue");
    handled += transmit_->poll(budget - handled, true, space_);
  }
  return handled;
}

// After a failure there is nothing to wait for but the frames that poll() still has to give back.
bool VirtioNet::arm() {
  if (life_.failed()) return transmit_->all_told();
  if (life_.status_due() || queue_broken()) return false;
  if (!transmit_->arm(prompt_.load(std::memory_order_relaxed))) return false;
  if (receive_->arm()) return true;
  disarm();
  return false;
}

void VirtioNet::disarm() {
  receive_->disarm();
  transmit_->disarm();
}

void VirtioNet::drain() {
  const std::uint64_t deadline_ns = clock_.now_ns() + drain_patience_ns;
  while (!transmit_->broken() && clock_.now_ns() < deadline_ns) {
    if (transmit_->drained()) return;
    base::platform::relax();
  }
  life_.fail("it does not give back what it was given to send");
}

netdev::Counters VirtioNet::counters() const {
  return {.tx_packets = transmit_->packets(),
          .tx_bytes = transmit_->bytes(),
          .rx_packets = receive_->packets(),
          .rx_bytes = receive_->bytes(),
          .tx_full = transmit_->full(),
          .rx_dropped = receive_->dropped(),
          .device_errors = life_.errors() + receive_->errors()};
}

}  // namespace virtio

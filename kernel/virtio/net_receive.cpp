// SPDX-License-Identifier: Apache-2.0
// Receiving frames from a virtio network device (Virtual I/O Device 1.2, 5.1.6.4).
#include "kernel/virtio/net_receive.h"

#include <algorithm>
#include <cstring>

#include "kernel/virtio/net_transmit.h"

namespace virtio {

using base::Result;
using base::SpinGuard;

namespace {

// Of the virtio header; the rest is about offloads that are never negotiated.
constexpr std::size_t num_buffers_offset = 10;

// Where a buffer's posted part begins. 6 + virtio header 12 + Ethernet 14 + IPv4 20 + UDP 8 + BTH 12 = 72: what is
// copied most, the payload of a RoCEv2 packet, is aligned to 8 bytes (with a RETH of 16 too).
constexpr std::size_t lead_in = 6;

}  // namespace

Result<base::Own<NetReceive>> NetReceive::create(device::DmaMemory& memory, const SplitQueue::Options& options,
                                                 std::size_t max_frame_bytes, bool merge) {
  auto queue = TRY(SplitQueue::create(memory, options));
  const std::size_t bytes = lead_in + net_header_bytes + max_frame_bytes;
  auto buffers = TRY(device::BufferPool::create(memory, options.size, bytes));
  auto assembly = TRY(device::BufferPool::create(memory, 1, bytes));
  return base::try_make<NetReceive>(std::move(queue), std::move(buffers), std::move(assembly), max_frame_bytes, merge);
}

NetReceive::NetReceive(base::Own<SplitQueue> queue, device::BufferPool buffers, device::BufferPool assembly,
                       std::size_t max_frame_bytes, bool merge)
    : queue_(std::move(queue)),
      buffers_(std::move(buffers)),
      assembly_(std::move(assembly)),
      max_frame_bytes_(max_frame_bytes),
      merge_(merge) {}

// A chain of one piece: its slot is its buffer's number.
Result<> NetReceive::post_locked(std::uint16_t slot) {
  LEGO_ASSERT(slot == queue_->next_slot());
  const Piece piece{buffers_.address(slot) + lead_in, static_cast<std::uint32_t>(net_header_bytes + max_frame_bytes_)};
  return queue_->add({}, std::span(&piece, 1));
}

Result<bool> NetReceive::post_all() {
  SpinGuard guard(lock_);
  while (queue_->can_add(1)) TRY(post_locked(queue_->next_slot()));
  return queue_->publish();
}

std::size_t NetReceive::take(std::span<SplitQueue::Used> into) {
  SpinGuard guard(lock_);
  std::size_t count = 0;
  while (count < into.size()) {
    const auto used = queue_->take_used();
    if (!used || !*used) break;
    into[count++] = **used;
  }
  return count;
}

std::uint32_t NetReceive::poll(netdev::Receiver* receiver, std::uint32_t budget, bool& notify) {
  std::array<SplitQueue::Used, batch> filled;
  std::uint32_t handled = 0;
  while (handled < budget) {
    const std::size_t count = take(std::span(filled).first(std::min<std::size_t>(batch, budget - handled)));
    if (count == 0) break;
    for (std::size_t i = 0; i < count; ++i) {
      buffer_filled(filled[i], {receiver, i + 1 < count ? netdev::More::Yes : netdev::More::No});
    }
    handled += static_cast<std::uint32_t>(count);
    SpinGuard guard(lock_);
    // The queue's free list gives back last what came first; any order will do for the device.
    for (std::size_t i = count; i-- > 0;) {
      if (!post_locked(filled[i].slot)) break;  // the queue broke: its device will be reset
    }
    notify |= queue_->publish();
  }
  return handled;
}

void NetReceive::buffer_filled(const SplitQueue::Used& used, Sight sight) {
  const std::span<const std::byte> filled = buffers_[used.slot].subspan(lead_in, used.bytes);
  if (parts_missing_ > 0) return continue_frame(filled, sight);
  if (filled.size() < net_header_bytes) {
    errors_.add();
    return;
  }
  std::uint16_t parts = 1;
  if (merge_) std::memcpy(&parts, filled.data() + num_buffers_offset, sizeof parts);
  const auto body = filled.subspan(net_header_bytes);
  if (parts == 1) return deliver(body, sight);
  begin_frame(body, parts, sight);
}

void NetReceive::begin_frame(std::span<const std::byte> first, std::uint16_t parts, Sight sight) {
  if (parts == 0 || parts > queue_->size()) {
    errors_.add();
    return;
  }
  parts_missing_ = parts;
  assembled_bytes_ = 0;
  continue_frame(first, sight);
}

void NetReceive::continue_frame(std::span<const std::byte> part, Sight sight) {
  const std::span<std::byte> room = assembly_[0];
  if (assembled_bytes_ + part.size() <= room.size()) {
    std::memcpy(room.data() + assembled_bytes_, part.data(), part.size());
  }
  assembled_bytes_ += part.size();
  if (--parts_missing_ > 0) return;
  if (assembled_bytes_ > room.size()) {
    dropped_.add();
    return;
  }
  deliver(room.first(assembled_bytes_), sight);
}

void NetReceive::deliver(std::span<const std::byte> frame, Sight sight) {
  if (sight.receiver == nullptr || frame.size() < netdev::ethernet_header_bytes || frame.size() > max_frame_bytes_) {
    dropped_.add();
    return;
  }
  packets_.add();
  bytes_.add(frame.size());
  sight.receiver->frame(frame, sight.more);
}

bool NetReceive::arm() {
  SpinGuard guard(lock_);
  return queue_->arm();
}

void NetReceive::disarm() {
  SpinGuard guard(lock_);
  queue_->disarm();
}

bool NetReceive::broken() const {
  SpinGuard guard(lock_);
  return queue_->broken();
}

}  // namespace virtio

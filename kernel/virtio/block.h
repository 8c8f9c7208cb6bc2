// SPDX-License-Identifier: Apache-2.0
// A virtio block device (Virtual I/O Device 1.2, 5.2), one queue. A request's header and status lie in a buffer of its
// slot; its data goes between the caller's memory and the device. lock_ guards the queue and the lists; completions are
// told without it, inside poll().
#pragma once

#include <array>
#include <cstdint>

#include "kernel/base/array.h"
#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "kernel/blockdev/block_device.h"
#include "kernel/device/buffer_pool.h"
#include "kernel/device/counter.h"
#include "kernel/virtio/block_config.h"
#include "kernel/virtio/lifecycle.h"
#include "kernel/virtio/split_queue.h"

namespace virtio {

class VirtioBlock final : public blockdev::BlockDevice {
 public:
  // Brings the device up. NotSupported: it is not modern. Malformed: its configuration makes no sense.
  static base::Result<base::Own<VirtioBlock>> create(base::Own<Transport> transport, device::DmaMemory& memory);
  VirtioBlock(base::Own<Transport> transport, device::DmaMemory& memory)
      : life_("block device", std::move(transport), *this), memory_(memory) {}
  ~VirtioBlock() override { shut_down(life_.transport()); }

  blockdev::Geometry geometry() const override { return config_.geometry; }
  base::Result<> submit(blockdev::Request& request) override;
  void set_submit_space(blockdev::SubmitSpace& space) override { space_ = &space; }
  blockdev::Counters counters() const override;

  std::uint32_t poll(std::uint32_t budget) override;
  bool arm() override;
  void disarm() override;
  void set_interrupt_handler(device::InterruptHandler& handler) override { life_.set_handler(handler); }

 private:
  // The device's two parts of a request around its data, and the data in pieces that the device can take.
  struct Pieces {
    std::array<Piece, blockdev::max_request_segments + 2> list;
    std::size_t count = 0;
    std::size_t device_reads = 0;  // so many of them first
    base::Result<> add(Piece piece);
  };
  struct Finished {
    blockdev::Request* request = nullptr;
    base::Result<> result{};
  };

  base::Result<> start();
  base::Result<bool> queue_locked(blockdev::Request& request);
  base::Result<Pieces> gather(std::uint16_t slot, const blockdev::Request& request) const;
  template <typename Bytes>
  base::Result<> add_data(Pieces& pieces, std::span<const std::span<Bytes>> segments) const;
  void write_header(std::uint16_t slot, const blockdev::Request& request) const;
  std::size_t finish_locked(std::span<Finished> into);
  Finished finish_slot_locked(std::uint16_t slot);
  bool has_space_locked() const { return space_wanted_ > 0 && queue_->can_add(space_wanted_); }
  void count(const blockdev::Request& request);
  std::uint32_t poll_once(std::uint32_t budget);
  bool queue_broken() const;

  Lifecycle life_;
  device::DmaMemory& memory_;
  BlockConfig config_;
  mutable base::SpinLock lock_{base::LockRank::Device};
  base::Own<SplitQueue> queue_;
  base::Own<device::BufferPool> buffers_;     // by slot
  base::Array<blockdev::Request*> requests_;  // by slot
  bool can_flush_ = false;
  std::size_t space_wanted_ = 0;  // pieces of the largest request refused since the last word of space
  blockdev::SubmitSpace* space_ = nullptr;
  device::Counter reads_, writes_, flushes_, discards_, read_bytes_, written_bytes_, failed_, full_;
};

}  // namespace virtio

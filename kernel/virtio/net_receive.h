// SPDX-License-Identifier: Apache-2.0
// The receive queue of a network device: every buffer is posted from the beginning and posted again as soon as its
// frame was seen, without allocation. A buffer takes a whole frame, so a frame is in one piece unless the device
// insists on merging buffers; then it is put together in a buffer of its own. poll() runs on one core at a time (the
// poll gate); the lock guards the queue against arm() and disarm().
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernel/base/spinlock.h"
#include "kernel/device/buffer_pool.h"
#include "kernel/device/counter.h"
#include "kernel/netdev/net_device.h"
#include "kernel/virtio/split_queue.h"
#include "kernel/virtio/transport.h"

namespace virtio {

class NetReceive {
 public:
  // merge: VIRTIO_NET_F_MRG_RXBUF was negotiated.
  static base::Result<base::Own<NetReceive>> create(device::DmaMemory& memory, const SplitQueue::Options& options,
                                                    std::size_t max_frame_bytes, bool merge);
  NetReceive(base::Own<SplitQueue> queue, device::BufferPool buffers, device::BufferPool assembly,
             std::size_t max_frame_bytes, bool merge);  // for create()

  const SplitQueue& queue() const { return *queue_; }

  // Gives all buffers to the device; true: it wants to be notified.
  base::Result<bool> post_all();

  // Hands up to about `budget` frames to the receiver (null: drops them) and returns how many buffers it handled.
  // `notify`: the device wants to be notified.
  std::uint32_t poll(netdev::Receiver* receiver, std::uint32_t budget, bool& notify);

  [[nodiscard]] bool arm();
  void disarm();
  bool broken() const;

  std::uint64_t packets() const { return packets_.value(); }
  std::uint64_t bytes() const { return bytes_.value(); }
  std::uint64_t dropped() const { return dropped_.value(); }
  std::uint64_t errors() const { return errors_.value(); }  // headers that make no sense

 private:
  static constexpr std::size_t batch = 16;
  base::Result<> post_locked(std::uint16_t slot);
  std::size_t take(std::span<SplitQueue::Used> into);
  struct Sight {  // of whom a frame is shown to
    netdev::Receiver* receiver;
    netdev::More more;
  };
  void buffer_filled(const SplitQueue::Used& used, Sight sight);
  void begin_frame(std::span<const std::byte> first, std::uint16_t parts, Sight sight);
  void continue_frame(std::span<const std::byte> part, Sight sight);
  void deliver(std::span<const std::byte> frame, Sight sight);

  mutable base::SpinLock lock_{base::LockRank::Device};
  base::Own<SplitQueue> queue_;
  device::BufferPool buffers_;   // by slot
  device::BufferPool assembly_;  // one buffer, for a frame that came in parts
  std::size_t max_frame_bytes_;
  bool merge_;
  std::uint16_t parts_missing_ = 0;  // of the frame in assembly_
  std::size_t assembled_bytes_ = 0;  // may exceed its room: the frame will be dropped
  device::Counter packets_, bytes_, dropped_, errors_;
};

}  // namespace virtio

// SPDX-License-Identifier: Apache-2.0
// The transmit queue of a network device: gathers frames from where they lie and remembers whom to tell when the device
// is through with them. Each chain's first bytes (virtio header, copied segments) lie in a buffer of its slot. Guarded
// by its own lock; callbacks are made without it, inside poll() only.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "kernel/base/spinlock.h"
#include "kernel/device/buffer_pool.h"
#include "kernel/device/counter.h"
#include "kernel/netdev/net_device.h"
#include "kernel/virtio/split_queue.h"

namespace virtio {

inline constexpr std::size_t net_header_bytes = 12;  // 5.1.6, always with num_buffers from version 1 on

class NetTransmit {
 public:
  static base::Result<base::Own<NetTransmit>> create(device::DmaMemory& memory, const SplitQueue::Options& options,
                                                     std::size_t max_frame_bytes);
  NetTransmit(device::DmaMemory& memory, base::Own<SplitQueue> queue, device::BufferPool buffers,
              std::size_t max_frame_bytes);  // for create()

  const SplitQueue& queue() const { return *queue_; }

  // True: the device wants to be notified. Errors as NetDevice::transmit.
  base::Result<bool> transmit(std::span<const netdev::Segment> segments, netdev::TransmitDone* done);

  // Tells of up to `budget` frames that the device is through with. device_reset: all of them.
  std::uint32_t poll(std::uint32_t budget, bool device_reset, netdev::TransmitSpace* space);

  // Whether the device holds no frame any more.
  bool drained();
  bool all_told() const;  // and everybody was told

  [[nodiscard]] bool arm(bool prompt);
  void disarm();
  bool broken() const;

  std::uint64_t packets() const { return packets_.value(); }
  std::uint64_t bytes() const { return bytes_.value(); }
  std::uint64_t full() const { return full_.value(); }

 private:
  // What a frame becomes: its first piece begins with the virtio header.
  struct Gathered {
    std::array<Piece, netdev::max_frame_segments + 1> pieces;
    std::size_t count = 0;
    std::size_t frame_bytes = 0;
  };
  base::Result<> check(std::span<const netdev::Segment> segments, const netdev::TransmitDone* done) const;
  std::size_t pieces_needed(std::span<const netdev::Segment> segments) const;
  Gathered gather_locked(std::span<const netdev::Segment> segments);
  bool make_room_locked(std::size_t pieces);
  bool has_space_locked() const;
  void collect_locked(bool device_reset);
  void make_poll_certain_locked();
  bool arm_locked();
  std::size_t take_done_locked(std::span<netdev::TransmitDone*> into);

  device::DmaMemory& memory_;
  mutable base::SpinLock lock_{base::LockRank::Device};
  base::Own<SplitQueue> queue_;
  device::BufferPool buffers_;                  // by slot
  base::Array<netdev::TransmitDone*> waiting_;  // by slot: whom to tell, null for nobody
  base::Array<netdev::TransmitDone*> done_;     // to be told by the next poll(), in order; bounded
  std::size_t max_frame_bytes_;
  bool armed_ = false;
  bool prompt_ = false;
  std::size_t space_wanted_ = 0;  // pieces of the largest frame refused since the last word of space
  device::Counter packets_, bytes_, full_;
};

}  // namespace virtio

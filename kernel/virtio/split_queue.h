// SPDX-License-Identifier: Apache-2.0
// The driver's side of a split virtqueue (Virtual I/O Device 1.2, 2.7): pure code over memory shared with the device.
// What it needs to know of its own chains it keeps where the device cannot write. A device that breaks the rules breaks
// the queue: every later call fails with NoDevice, and the memory of chains in flight stays with the device until its
// owner has reset it. Not locked: the owner's lock of rank Device guards each queue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/base/memory.h"
#include "kernel/device/dma.h"
#include "kernel/virtio/ring.h"

namespace virtio {

// Memory that one descriptor names.
struct Piece {
  base::PhysAddr address;
  std::uint32_t bytes = 0;
};

class SplitQueue {
 public:
  struct Options {
    std::uint16_t size = 0;           // a power of two, at most what the device offers
    bool event_index = false;         // VIRTIO_F_EVENT_IDX was negotiated
    std::uint16_t tables = 0;         // indirect descriptor tables to keep (VIRTIO_F_INDIRECT_DESC), 0 for none
    std::uint16_t table_entries = 0;  // pieces that one table takes
  };
  static base::Result<base::Own<SplitQueue>> create(device::DmaMemory& memory, const Options& options);

  SplitQueue(device::DmaMemory& memory, const Options& options);  // for create()
  SplitQueue(const SplitQueue&) = delete;
  SplitQueue& operator=(const SplitQueue&) = delete;
  ~SplitQueue();  // the device was reset

  // For the device's queue registers.
  std::uint16_t size() const { return options_.size; }
  base::PhysAddr descriptor_address() const { return address_; }
  base::PhysAddr avail_address() const { return address_ + layout_.avail; }
  base::PhysAddr used_address() const { return address_ + layout_.used; }

  // A chain is named by its slot, below size(). next_slot() is the one that the next add() takes, so that the owner
  // can fill memory of its own that belongs to that slot first.
  bool can_add(std::size_t pieces) const;
  std::uint16_t next_slot() const { return free_head_; }

  // Exhausted: no room now. InvalidArgument: no pieces, or more than could ever fit. NoDevice: broken.
  base::Result<> add(std::span<const Piece> device_reads, std::span<const Piece> device_writes);

  // Shows the device what was added. True: it wants to be notified.
  [[nodiscard]] bool publish();

  struct Used {
    std::uint16_t slot = 0;
    std::uint32_t bytes = 0;  // that the device wrote; never more than the chain's writable bytes
  };
  // The next chain that the device has finished with, if any. Malformed, once: the device broke a rule just now;
  // NoDevice: it did before.
  base::Result<std::optional<Used>> take_used();
  bool has_used() const;               // false on a broken queue
  std::uint16_t pending_used() const;  // how many; more than are in flight if the device lies

  // Asks for an interrupt once `after` more chains than the next have been used. False: that many were used already,
  // and the queue is left disarmed.
  [[nodiscard]] bool arm(std::uint16_t after = 0);
  void disarm();

  std::uint16_t in_flight() const { return in_flight_; }
  bool broken() const { return broken_; }

  // After the device was reset: takes back one chain in flight. The queue is broken from then on.
  std::optional<std::uint16_t> reclaim();

 private:
  struct Chain {
    std::uint32_t writable_bytes = 0;
    std::uint16_t descriptors = 0;  // 0: no chain in flight begins here
    std::uint16_t last = 0;
    std::uint16_t table = no_table;
  };
  static constexpr std::uint16_t no_table = 0xffff;

  base::Result<> allocate();
  bool wants_table(std::size_t pieces) const;
  void write_direct(std::span<const Piece> device_reads, std::span<const Piece> device_writes);
  void write_table(std::span<const Piece> device_reads, std::span<const Piece> device_writes);
  void release(std::uint16_t slot);
  std::span<Descriptor> descriptors() const;
  std::span<Descriptor> table(std::uint16_t index) const;
  std::uint16_t load(std::size_t offset) const;
  void store(std::size_t offset, std::uint16_t value);

  device::DmaMemory& memory_;
  Options options_;
  RingLayout layout_;
  std::span<std::byte> ring_{};
  std::span<std::byte> tables_{};
  base::PhysAddr address_{};
  base::PhysAddr tables_address_{};

  base::Array<std::uint16_t> next_free_;  // by descriptor: the next in the free list or in its chain
  base::Array<Chain> chains_;             // by slot
  base::Array<std::uint16_t> free_tables_;
  std::uint16_t free_head_ = 0;
  std::uint16_t free_descriptors_ = 0;
  std::uint16_t in_flight_ = 0;
  std::uint16_t added_ = 0;      // avail index with what was added
  std::uint16_t published_ = 0;  // avail index as the device may see it
  std::uint16_t taken_ = 0;      // used index up to which chains were taken
  bool broken_ = false;
};

}  // namespace virtio

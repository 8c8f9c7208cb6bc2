// SPDX-License-Identifier: Apache-2.0
// A block device as a BlockStore: a call hands its segments to the device, several requests at a time, and parks the
// worker's fiber until all have completed. Completions come inside the device's poll(), on the loop's core.
#pragma once

#include <array>
#include <span>

#include "kernel/base/executor.h"
#include "kernel/blockdev/block_device.h"
#include "storage/block_store.h"
#include "storage/disk/fiber.h"

namespace storage {

class DeviceStore final : public BlockStore, private blockdev::SubmitSpace, private base::Work {
 public:
  DeviceStore(base::EventLoop& loop, blockdev::BlockDevice& device, Fiber& fiber);
  DeviceStore(const DeviceStore&) = delete;
  DeviceStore& operator=(const DeviceStore&) = delete;

  std::uint64_t capacity_bytes() const override { return geometry_.capacity_bytes; }
  std::uint32_t sector_bytes() const override { return geometry_.block_bytes; }
  bool read_only() const override { return geometry_.read_only; }
  base::Result<> read(std::span<const ReadSegment> segments) override;
  base::Result<> write(std::span<const WriteSegment> segments) override;
  base::Result<> flush() override;

 private:
  static constexpr std::size_t requests_at_a_time = 16;
  static constexpr std::size_t pieces_per_request = 16;

  // Segments that follow one another on the disk.
  class Transfer final : public blockdev::Request {
   public:
    DeviceStore* store = nullptr;
    bool busy = false;
    std::array<std::span<std::byte>, pieces_per_request> into;
    std::array<std::span<const std::byte>, pieces_per_request> from;

   private:
    void completed(base::Result<> result) override { store->transfer_completed(*this, result); }
  };

  // Fills a request from the front of the segments; returns how many it took.
  std::size_t gather(Transfer& transfer, std::span<const ReadSegment> segments) const;
  std::size_t gather(Transfer& transfer, std::span<const WriteSegment> segments) const;
  template <typename Segment>
  base::Result<> run_all(std::span<const Segment> segments);
  Transfer* free_transfer();
  base::Result<> submit(Transfer& transfer);
  void wait_for_all();
  void transfer_completed(Transfer& transfer, base::Result<> result);
  void submit_space_available() override { loop_.post(*this); }
  void run() override;

  base::EventLoop& loop_;
  blockdev::BlockDevice& device_;
  Fiber& fiber_;
  const blockdev::Geometry geometry_;
  std::array<Transfer, requests_at_a_time> transfers_;
  std::size_t outstanding_ = 0;
  bool waiting_ = false;  // the fiber is parked here
  base::Error error_ = base::Error::None;
};

}  // namespace storage

// SPDX-License-Identifier: Apache-2.0
// Block I/O of the worker: see device_store.h.
#include "storage/disk/device_store.h"

#include <algorithm>
#include <type_traits>

namespace storage {

using base::Error;
using base::fail;
using base::Result;

DeviceStore::DeviceStore(base::EventLoop& loop, blockdev::BlockDevice& device, Fiber& fiber)
    : loop_(loop), device_(device), fiber_(fiber), geometry_(device.geometry()) {
  for (Transfer& transfer : transfers_) transfer.store = this;
  device_.set_submit_space(*this);
}

std::size_t DeviceStore::gather(Transfer& transfer, std::span<const ReadSegment> segments) const {
  const std::size_t most = std::min({segments.size(), pieces_per_request, geometry_.max_segments});
  transfer.operation = blockdev::Operation::Read;
  transfer.first_sector = segments[0].offset / blockdev::sector_bytes;
  std::uint64_t end = segments[0].offset;
  std::size_t count = 0;
  for (; count < most && segments[count].offset == end; ++count) {
    transfer.into[count] = segments[count].into;
    end += segments[count].into.size();
  }
  transfer.read_into = std::span(transfer.into).first(count);
  return count;
}

std::size_t DeviceStore::gather(Transfer& transfer, std::span<const WriteSegment> segments) const {
  const std::size_t most = std::min({segments.size(), pieces_per_request, geometry_.max_segments});
  transfer.operation = blockdev::Operation::Write;
  transfer.first_sector = segments[0].offset / blockdev::sector_bytes;
  std::uint64_t end = segments[0].offset;
  std::size_t count = 0;
  for (; count < most && segments[count].offset == end; ++count) {
    transfer.from[count] = segments[count].from;
    end += segments[count].from.size();
  }
  transfer.write_from = std::span(transfer.from).first(count);
  return count;
}

DeviceStore::Transfer* DeviceStore::free_transfer() {
  for (Transfer& transfer : transfers_)
    if (!transfer.busy) return &transfer;
  return nullptr;
}

void DeviceStore::transfer_completed(Transfer& transfer, Result<> result) {
  transfer.busy = false;
  --outstanding_;
  if (!result && error_ == Error::None) error_ = result.error();
  loop_.post(*this);
}

// On the loop, after completions: the fiber looks for itself what has changed.
void DeviceStore::run() {
  if (waiting_) fiber_.resume();
}

// Parks until the device takes it.
Result<> DeviceStore::submit(Transfer& transfer) {
  while (true) {
    transfer.busy = true;
    ++outstanding_;  // before, for a completion may come inside
    auto result = device_.submit(transfer);
    if (result) return {};
    transfer.busy = false;
    --outstanding_;
    if (result.error() != Error::Again) return result;
    waiting_ = true;
    fiber_.park();
    waiting_ = false;
  }
}

void DeviceStore::wait_for_all() {
  while (outstanding_ > 0) {
    waiting_ = true;
    fiber_.park();
    waiting_ = false;
  }
}

template <typename Segment>
Result<> DeviceStore::run_all(std::span<const Segment> segments) {
  error_ = Error::None;
  while (!segments.empty() && error_ == Error::None) {
    Transfer* transfer = free_transfer();
    if (transfer == nullptr) {
      waiting_ = true;
      fiber_.park();
      waiting_ = false;
      continue;
    }
    const std::size_t taken = gather(*transfer, segments);
    if (auto result = submit(*transfer); !result) {
      error_ = result.error();
      break;
    }
    segments = segments.subspan(taken);
  }
  // Whatever failed: the memory is the caller's again only when the device has let go of it.
  wait_for_all();
  return error_ == Error::None ? Result<>{} : fail(error_);
}

Result<> DeviceStore::read(std::span<const ReadSegment> segments) { return run_all(segments); }

Result<> DeviceStore::write(std::span<const WriteSegment> segments) {
  if (geometry_.read_only) return fail(Error::ReadOnly);
  return run_all(segments);
}

Result<> DeviceStore::flush() {
  error_ = Error::None;
  Transfer& transfer = transfers_[0];  // none is outstanding between calls
  transfer.operation = blockdev::Operation::Flush;
  TRY(submit(transfer));
  wait_for_all();
  return error_ == Error::None ? Result<>{} : fail(error_);
}

}  // namespace storage

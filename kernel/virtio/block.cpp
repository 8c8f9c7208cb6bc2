// SPDX-License-Identifier: Apache-2.0
// Requests to a virtio block device and their completions.
#include "kernel/virtio/block.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernel/base/endian.h"

namespace virtio {

using base::Error;
using base::fail;
using base::Result;
using base::SpinGuard;
using blockdev::Operation;
using blockdev::Request;

namespace {

constexpr std::uint16_t largest_queue = 256;
constexpr std::uint16_t tables = 32;
constexpr std::size_t finish_batch = 16;

// 5.2.6
enum class Type : std::uint32_t { In = 0, Out = 1, Flush = 4, GetId = 8, Discard = 11 };
constexpr std::uint8_t status_ok = 0;
constexpr std::uint8_t status_io_error = 1;
constexpr std::uint8_t status_unsupported = 2;
constexpr std::uint8_t status_unset = 0xff;

struct Header {
  base::le32 type;
  base::le32 reserved;
  base::le64 sector;
};
static_assert(sizeof(Header) == 16);

struct DiscardRange {
  base::le64 sector;
  base::le32 sectors;
  base::le32 flags;
};
static_assert(sizeof(DiscardRange) == 16);

// The buffer of a slot.
struct SlotBuffer {
  Header header;
  DiscardRange discard;
  std::uint8_t status;
  std::uint8_t id[20];  // what a GetId is answered with
};

Type type_of(Operation operation, bool can_flush) {
  switch (operation) {
    case Operation::Read:
      return Type::In;
    case Operation::Write:
      return Type::Out;
    case Operation::Discard:
      return Type::Discard;
    case Operation::Flush:
      break;
  }
  // Without the feature there is no cache to flush; the device is asked for something harmless, so that the request
  // ends like all others.
  return can_flush ? Type::Flush : Type::GetId;
}

}  // namespace

Result<base::Own<VirtioBlock>> VirtioBlock::create(base::Own<Transport> transport, device::DmaMemory& memory) {
  auto device = TRY(base::try_make<VirtioBlock>(std::move(transport), memory));
  TRY(device->start());
  return device;
}

Result<> VirtioBlock::start() {
  Transport& transport = life_.transport();
  const std::uint64_t features = TRY(negotiate(transport, BlockConfig::wanted));
  config_ = TRY(BlockConfig::read(transport, features));
  can_flush_ = (features & BlockConfig::flush) != 0;
  const std::uint16_t offered = transport.queue_count() > 0 ? transport.queue_size_max(0) : std::uint16_t{0};
  if (offered < 4) return fail(Error::NotSupported);
  SplitQueue::Options options{.size = std::bit_floor(std::min(offered, largest_queue)),
                              .event_index = (features & feature_event_index) != 0};
  if ((features & feature_indirect_descriptors) != 0) {
    options.tables = std::min(tables, options.size);
    options.table_entries = std::min<std::uint16_t>(blockdev::max_request_segments + 2, options.size);
  }
  config_.geometry.max_segments = std::min<std::size_t>(config_.geometry.max_segments, options.size - 2);
  queue_ = TRY(SplitQueue::create(memory_, options));
  auto buffers = TRY(device::BufferPool::create(memory_, options.size, sizeof(SlotBuffer)));
  buffers_ = TRY(base::try_make<device::BufferPool>(std::move(buffers)));
  TRY(requests_.resize(options.size));
  TRY(life_.connect_interrupts());
  TRY(transport.enable_queue(0, *queue_));
  return go_live(transport);
}

Result<> VirtioBlock::Pieces::add(Piece piece) {
  if (count == list.size()) return fail(Error::InvalidArgument);
  list[count++] = piece;
  return {};
}

template <typename Bytes>
Result<> VirtioBlock::add_data(Pieces& pieces, std::span<const std::span<Bytes>> segments) const {
  for (const auto& segment : segments) {
    base::PhysAddr address = memory_.address_of(segment.data());
    for (std::size_t left = segment.size(); left > 0;) {
      const auto bytes = static_cast<std::uint32_t>(std::min<std::size_t>(left, config_.max_piece_bytes));
      TRY(pieces.add({address, bytes}));
      address = address + bytes;
      left -= bytes;
    }
  }
  return {};
}

// Header, data that the device reads, data that it writes, status.
Result<VirtioBlock::Pieces> VirtioBlock::gather(std::uint16_t slot, const Request& request) const {
  const base::PhysAddr buffer = buffers_->address(slot);
  Pieces pieces;
  TRY(pieces.add({buffer + offsetof(SlotBuffer, header), sizeof(Header)}));
  if (request.operation == Operation::Write) TRY(add_data(pieces, request.write_from));
  if (request.operation == Operation::Discard) {
    TRY(pieces.add({buffer + offsetof(SlotBuffer, discard), sizeof(DiscardRange)}));
  }
  pieces.device_reads = pieces.count;
  if (request.operation == Operation::Read) TRY(add_data(pieces, request.read_into));
  if (type_of(request.operation, can_flush_) == Type::GetId) {
    TRY(pieces.add({buffer + offsetof(SlotBuffer, id), sizeof(SlotBuffer::id)}));
  }
  TRY(pieces.add({buffer + offsetof(SlotBuffer, status), 1}));
  return pieces;
}

void VirtioBlock::write_header(std::uint16_t slot, const Request& request) const {
  auto& buffer = *reinterpret_cast<SlotBuffer*>((*buffers_)[slot].data());
  buffer.header.type = static_cast<std::uint32_t>(type_of(request.operation, can_flush_));
  const bool addressed = request.operation == Operation::Read || request.operation == Operation::Write;
  buffer.header.sector = addressed ? request.first_sector : 0;
  buffer.discard.sector = request.first_sector;
  buffer.discard.sectors = static_cast<std::uint32_t>(request.discard_sectors);
  buffer.status = status_unset;
}

// Returns whether the device wants to be notified.
Result<bool> VirtioBlock::queue_locked(Request& request) {
  if (queue_->broken()) return fail(Error::NoDevice);
  if (!queue_->can_add(1)) {
    space_wanted_ = std::max<std::size_t>(space_wanted_, 1);
    return fail(Error::Again);
  }
  const std::uint16_t slot = queue_->next_slot();
  const Pieces pieces = TRY(gather(slot, request));
  if (pieces.count > queue_->size()) return fail(Error::InvalidArgument);
  if (!queue_->can_add(pieces.count)) {
    space_wanted_ = std::max(space_wanted_, pieces.count);
    return fail(Error::Again);
  }
  write_header(slot, request);
  const std::span<const Piece> all(pieces.list.data(), pieces.count);
  TRY(queue_->add(all.first(pieces.device_reads), all.subspan(pieces.device_reads)));
  requests_[slot] = &request;
  return queue_->publish();
}

Result<> VirtioBlock::submit(Request& request) {
  TRY(config_.check(request));
  if (life_.failed()) return fail(Error::NoDevice);
  Result<bool> notify = false;
  {
    SpinGuard guard(lock_);
    notify = queue_locked(request);
    if (!notify && notify.error() == Error::Again) full_.add();
  }
  if (TRY(notify)) life_.transport().notify(0);
  return {};
}

VirtioBlock::Finished VirtioBlock::finish_slot_locked(std::uint16_t slot) {
  Finished finished{.request = std::exchange(requests_[slot], nullptr)};
  if (life_.failed()) {
    finished.result = fail(Error::NoDevice);
    return finished;
  }
  const auto& buffer = *reinterpret_cast<const SlotBuffer*>((*buffers_)[slot].data());
  const std::uint8_t status = *static_cast<const volatile std::uint8_t*>(&buffer.status);
  const bool harmless = type_of(finished.request->operation, can_flush_) == Type::GetId;
  if (status == status_ok || harmless) return finished;
  finished.result = fail(status == status_unsupported ? Error::NotSupported : Error::IoError);
  if (status != status_unsupported && status != status_io_error) life_.count_error();
  return finished;
}

std::size_t VirtioBlock::finish_locked(std::span<Finished> into) {
  std::size_t finished = 0;
  while (finished < into.size()) {
    if (life_.failed()) {
      const auto slot = queue_->reclaim();
      if (!slot) break;
      into[finished++] = finish_slot_locked(*slot);
    } else {
      const auto used = queue_->take_used();
      if (!used || !*used) break;
      into[finished++] = finish_slot_locked((*used)->slot);
    }
  }
  return finished;
}

void VirtioBlock::count(const Request& request) {
  const auto bytes_of = [](const auto& segments) {
    std::uint64_t bytes = 0;
    for (const auto& segment : segments) bytes += segment.size();
    return bytes;
  };
  switch (request.operation) {
    case Operation::Read:
      reads_.add();
      read_bytes_.add(bytes_of(request.read_into));
      break;
    case Operation::Write:
      writes_.add();
      written_bytes_.add(bytes_of(request.write_from));
      break;
    case Operation::Flush:
      flushes_.add();
      break;
    case Operation::Discard:
      discards_.add();
      break;
  }
}

std::uint32_t VirtioBlock::poll(std::uint32_t budget) {
  return life_.poll(budget, [this](std::uint32_t left) { return poll_once(left); });
}

std::uint32_t VirtioBlock::poll_once(std::uint32_t budget) {
  std::array<Finished, finish_batch> batch;
  std::uint32_t handled = 0;
  while (handled < budget) {
    std::size_t finished;
    bool has_space;
    {
      SpinGuard guard(lock_);
      finished = finish_locked(std::span(batch).first(std::min<std::size_t>(finish_batch, budget - handled)));
      has_space = has_space_locked() || (space_wanted_ > 0 && queue_->broken());
      if (has_space) space_wanted_ = 0;
    }
    for (const Finished& one : std::span(batch).first(finished)) {
      if (one.result) {
        count(*one.request);
      } else {
        failed_.add();
      }
      one.request->completed(one.result);
    }
    handled += static_cast<std::uint32_t>(finished);
    if (has_space && space_ != nullptr) space_->submit_space_available();
    if (finished > 0) continue;
    if (life_.failed() || !queue_broken()) break;
    life_.fail("it broke the rules of its queue");
  }
  return handled;
}

bool VirtioBlock::queue_broken() const {
  SpinGuard guard(lock_);
  return queue_->broken();
}

bool VirtioBlock::arm() {
  if (life_.status_due()) return false;
  SpinGuard guard(lock_);
  if (queue_->broken() && (!life_.failed() || queue_->in_flight() > 0)) return false;
  return !has_space_locked() && queue_->arm();
}

void VirtioBlock::disarm() {
  SpinGuard guard(lock_);
  queue_->disarm();
}

blockdev::Counters VirtioBlock::counters() const {
  return {.reads = reads_.value(),
          .writes = writes_.value(),
          .flushes = flushes_.value(),
          .discards = discards_.value(),
          .read_bytes = read_bytes_.value(),
          .written_bytes = written_bytes_.value(),
          .failed_requests = failed_.value(),
          .queue_full = full_.value(),
          .device_errors = life_.errors()};
}

}  // namespace virtio

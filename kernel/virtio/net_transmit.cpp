// SPDX-License-Identifier: Apache-2.0
// transmit() may find the ring full of frames that the device has finished with: it takes them off, but cannot tell
// their owners, whose locks its caller may hold; they wait in done_ for the next poll(). done_ is bounded: when it is
// full the ring counts as full, and long before that an interrupt is made certain, so that a poll() comes.
#include "kernel/virtio/net_transmit.h"

#include <algorithm>
#include <cstring>

namespace virtio {

using base::Error;
using base::fail;
using base::Result;
using base::SpinGuard;
using netdev::Segment;

namespace {
constexpr std::size_t slot_buffer_bytes = net_header_bytes + netdev::max_copied_bytes;
constexpr std::size_t done_batch = 32;
constexpr std::size_t done_rings = 2;  // room in done_, in rings
}  // namespace

Result<base::Own<NetTransmit>> NetTransmit::create(device::DmaMemory& memory, const SplitQueue::Options& options,
                                                   std::size_t max_frame_bytes) {
  auto queue = TRY(SplitQueue::create(memory, options));
  auto buffers = TRY(device::BufferPool::create(memory, options.size, slot_buffer_bytes));
  auto transmit = TRY(base::try_make<NetTransmit>(memory, std::move(queue), std::move(buffers), max_frame_bytes));
  TRY(transmit->waiting_.resize(options.size));
  TRY(transmit->done_.reserve(done_rings * options.size));
  return transmit;
}

NetTransmit::NetTransmit(device::DmaMemory& memory, base::Own<SplitQueue> queue, device::BufferPool buffers,
                         std::size_t max_frame_bytes)
    : memory_(memory), queue_(std::move(queue)), buffers_(std::move(buffers)), max_frame_bytes_(max_frame_bytes) {}

Result<> NetTransmit::check(std::span<const Segment> segments, const netdev::TransmitDone* done) const {
  if (segments.size() > netdev::max_frame_segments) return fail(Error::TooBig);
  std::size_t copied = 0, total = 0;
  for (const Segment& segment : segments) {
    total += segment.bytes.size();
    if (segment.storage == Segment::Storage::Copied) {
      copied += segment.bytes.size();
    } else if (done == nullptr) {
      return fail(Error::InvalidArgument);
    }
  }
  if (copied > netdev::max_copied_bytes || total > max_frame_bytes_) return fail(Error::TooBig);
  if (total < netdev::ethernet_header_bytes) return fail(Error::InvalidArgument);
  return {};
}

std::size_t NetTransmit::pieces_needed(std::span<const Segment> segments) const {
  std::size_t pieces = 1;  // the virtio header, and what is copied right behind it
  bool copying = true;
  for (const Segment& segment : segments) {
    const bool copied = segment.storage == Segment::Storage::Copied;
    if (!segment.bytes.empty() && !(copied && copying)) {
      ++pieces;
      copying = copied;
    }
  }
  return pieces;
}

NetTransmit::Gathered NetTransmit::gather_locked(std::span<const Segment> segments) {
  const std::uint16_t slot = queue_->next_slot();
  const std::span<std::byte> buffer = buffers_[slot];
  std::size_t used = net_header_bytes;  // all zero, from the beginning: no offload is asked for
  Gathered frame;
  frame.pieces[frame.count++] = {buffers_.address(slot), static_cast<std::uint32_t>(used)};
  bool copying = true;
  for (const Segment& segment : segments) {
    if (segment.bytes.empty()) continue;
    const bool copied = segment.storage == Segment::Storage::Copied;
    const auto bytes = static_cast<std::uint32_t>(segment.bytes.size());
    if (copied && copying) {
      frame.pieces[frame.count - 1].bytes += bytes;
    } else {
      const base::PhysAddr at = copied ? buffers_.address(slot) + used : memory_.address_of(segment.bytes.data());
      frame.pieces[frame.count++] = {at, bytes};
    }
    if (copied) {
      std::memcpy(buffer.data() + used, segment.bytes.data(), bytes);
      used += bytes;
    }
    copying = copied;
    frame.frame_bytes += bytes;
  }
  return frame;
}

// Takes finished frames off the ring until there is room. If there is none and somebody sleeps, the device must wake
// them when there is.
bool NetTransmit::make_room_locked(std::size_t pieces) {
  if (queue_->can_add(pieces)) return true;
  while (true) {
    collect_locked(false);
    if (queue_->can_add(pieces)) return true;
    space_wanted_ = std::max(space_wanted_, pieces);
    if (!armed_ || queue_->broken() || done_.size() == done_rings * queue_->size()) return false;
    if (arm_locked()) return false;
  }
}

bool NetTransmit::has_space_locked() const { return space_wanted_ > 0 && queue_->can_add(space_wanted_); }

// Somebody sleeps while many frames wait to be reported: has the device interrupt when it has used the frame that is
// about to be published.
void NetTransmit::make_poll_certain_locked() {
  if (!armed_ || done_.size() < queue_->size() / 2) return;
  while (!queue_->arm() && done_.size() < done_rings * queue_->size()) collect_locked(false);
}

Result<bool> NetTransmit::transmit(std::span<const Segment> segments, netdev::TransmitDone* done) {
  TRY(check(segments, done));
  SpinGuard guard(lock_);
  if (queue_->broken()) return fail(Error::NoDevice);
  const std::size_t pieces = pieces_needed(segments);
  if (pieces > queue_->size()) return fail(Error::TooBig);
  if (!make_room_locked(pieces)) {
    full_.add();
    return fail(queue_->broken() ? Error::NoDevice : Error::Again);
  }
  make_poll_certain_locked();
  const std::uint16_t slot = queue_->next_slot();
  const Gathered frame = gather_locked(segments);
  TRY(queue_->add(std::span(frame.pieces).first(frame.count), {}));
  waiting_[slot] = done;
  packets_.add();
  bytes_.add(frame.frame_bytes);
  return queue_->publish();
}

void NetTransmit::collect_locked(bool device_reset) {
  while (done_.size() < done_rings * queue_->size()) {
    std::uint16_t slot;
    if (device_reset) {
      const auto reclaimed = queue_->reclaim();
      if (!reclaimed) return;
      slot = *reclaimed;
    } else {
      const auto used = queue_->take_used();
      if (!used || !*used) return;
      slot = (*used)->slot;
    }
    if (waiting_[slot] == nullptr) continue;
    const bool had_room = done_.push_back(waiting_[slot]).has_value();
    LEGO_ASSERT(had_room);
  }
}

std::size_t NetTransmit::take_done_locked(std::span<netdev::TransmitDone*> into) {
  const std::size_t count = std::min(into.size(), done_.size());
  std::copy_n(done_.begin(), count, into.begin());
  std::copy(done_.begin() + count, done_.end(), done_.begin());
  for (std::size_t i = 0; i < count; ++i) done_.pop_back();
  return count;
}

std::uint32_t NetTransmit::poll(std::uint32_t budget, bool device_reset, netdev::TransmitSpace* space) {
  std::uint32_t handled = 0;
  std::array<netdev::TransmitDone*, done_batch> batch;
  while (handled < budget) {
    std::size_t count;
    bool has_space;
    {
      SpinGuard guard(lock_);
      collect_locked(device_reset);
      count = take_done_locked(std::span(batch).first(std::min<std::size_t>(done_batch, budget - handled)));
      has_space = has_space_locked() || (space_wanted_ > 0 && queue_->broken());
      if (has_space) space_wanted_ = 0;
    }
    for (std::size_t i = 0; i < count; ++i) batch[i]->transmitted();
    handled += static_cast<std::uint32_t>(count);
    if (has_space && space != nullptr) space->transmit_space_available();
    if (count == 0) break;
  }
  return handled;
}

// What is full of untold completions may leave more of them on the ring; those count as given back too.
bool NetTransmit::drained() {
  SpinGuard guard(lock_);
  collect_locked(false);
  return !queue_->broken() && queue_->pending_used() == queue_->in_flight();
}

bool NetTransmit::all_told() const {
  SpinGuard guard(lock_);
  return queue_->in_flight() == 0 && done_.empty();
}

// Completions of frames that nobody waits for urgently cause no interrupt: the sleeper would be woken for each frame it
// sent. For space, half a ring at once is enough.
bool NetTransmit::arm_locked() {
  if (space_wanted_ > 0) return queue_->arm(static_cast<std::uint16_t>(prompt_ ? 0 : queue_->in_flight() / 2));
  if (prompt_) return queue_->arm();
  return true;
}

bool NetTransmit::arm(bool prompt) {
  SpinGuard guard(lock_);
  prompt_ = prompt;
  armed_ = done_.empty() && !has_space_locked() && arm_locked();
  return armed_;
}

void NetTransmit::disarm() {
  SpinGuard guard(lock_);
  armed_ = false;
  queue_->disarm();
}

bool NetTransmit::broken() const {
  SpinGuard guard(lock_);
  return queue_->broken();
}

}  // namespace virtio

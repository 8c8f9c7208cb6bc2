// SPDX-License-Identifier: Apache-2.0
// Barriers: publish() stores the avail index with release, so that descriptors and ring entries come first; take_used()
// loads the used index with acquire, so that the element and the buffers come after. Where one side writes its index
// and then reads the other's event index (or flags) a full fence stands between the two, on both sides: else each could
// miss the other's store, and a notification or an interrupt would be lost.
#include "kernel/virtio/split_queue.h"

#include <atomic>

#include "kernel/base/assert.h"

namespace virtio {

using base::Error;
using base::fail;
using base::Result;

base::Result<base::Own<SplitQueue>> SplitQueue::create(device::DmaMemory& memory, const Options& options) {
  if (!base::is_power_of_two(options.size) || options.size > 32768) return fail(Error::InvalidArgument);
  auto queue = TRY(base::try_make<SplitQueue>(memory, options));
  TRY(queue->allocate());
  return queue;
}

SplitQueue::SplitQueue(device::DmaMemory& memory, const Options& options)
    : memory_(memory), options_(options), layout_(options.size) {}

SplitQueue::~SplitQueue() {
  if (!ring_.empty()) memory_.release(ring_);
  if (!tables_.empty()) memory_.release(tables_);
}

Result<> SplitQueue::allocate() {
  TRY(next_free_.resize(size()));
  TRY(chains_.resize(size()));
  for (std::uint16_t i = 0; i < size(); ++i) next_free_[i] = static_cast<std::uint16_t>(i + 1);
  free_descriptors_ = size();
  for (std::uint16_t i = 0; i < options_.tables; ++i) TRY(free_tables_.push_back(i));
  ring_ = TRY(memory_.allocate(layout_.bytes));
  address_ = memory_.address_of(ring_.data());
  if (options_.tables > 0) {
    tables_ = TRY(memory_.allocate(std::size_t{options_.tables} * options_.table_entries * sizeof(Descriptor)));
    tables_address_ = memory_.address_of(tables_.data());
  }
  disarm();
  return {};
}

std::span<Descriptor> SplitQueue::descriptors() const { return {reinterpret_cast<Descriptor*>(ring_.data()), size()}; }

std::span<Descriptor> SplitQueue::table(std::uint16_t index) const {
  return {reinterpret_cast<Descriptor*>(tables_.data()) + std::size_t{index} * options_.table_entries,
          options_.table_entries};
}

std::uint16_t SplitQueue::load(std::size_t offset) const {
  return std::atomic_ref(*reinterpret_cast<std::uint16_t*>(ring_.data() + offset)).load(std::memory_order_acquire);
}

void SplitQueue::store(std::size_t offset, std::uint16_t value) {
  std::atomic_ref(*reinterpret_cast<std::uint16_t*>(ring_.data() + offset)).store(value, std::memory_order_release);
}

// A table lets a chain of many pieces take one descriptor, but costs the device another look-up: it is used only when
// descriptors are getting scarce.
bool SplitQueue::wants_table(std::size_t pieces) const {
  return pieces > 1 && pieces <= options_.table_entries && !free_tables_.empty() &&
         (free_descriptors_ < size() / 2 || pieces > free_descriptors_);
}

bool SplitQueue::can_add(std::size_t pieces) const {
  return !broken_ && free_descriptors_ > 0 && (pieces <= free_descriptors_ || wants_table(pieces));
}

Result<> SplitQueue::add(std::span<const Piece> device_reads, std::span<const Piece> device_writes) {
  if (broken_) return fail(Error::NoDevice);
  const std::size_t pieces = device_reads.size() + device_writes.size();
  if (pieces == 0 || pieces > size()) return fail(Error::InvalidArgument);  // 2.7.5.3: in a table, too
  if (!can_add(pieces)) return fail(Error::Exhausted);
  const std::uint16_t slot = free_head_;
  chains_[slot] = {};
  for (const Piece& piece : device_writes) chains_[slot].writable_bytes += piece.bytes;
  if (wants_table(pieces)) {
    write_table(device_reads, device_writes);
  } else {
    write_direct(device_reads, device_writes);
  }
  ++in_flight_;
  // The device does not look at this entry before publish() moves the index.
  *reinterpret_cast<std::uint16_t*>(ring_.data() + layout_.avail_ring(added_ % size())) = slot;
  ++added_;
  return {};
}

namespace {
void fill(Descriptor& descriptor, const Piece& piece, bool device_writes, bool more, std::uint16_t next) {
  std::uint16_t flags = 0;
  if (device_writes) flags |= descriptor_device_writes;
  if (more) flags |= descriptor_next;
  descriptor = {piece.address.value(), piece.bytes, flags, next};
}
}  // namespace

void SplitQueue::write_direct(std::span<const Piece> device_reads, std::span<const Piece> device_writes) {
  const std::size_t pieces = device_reads.size() + device_writes.size();
  Chain& chain = chains_[free_head_];
  std::uint16_t at = free_head_;
  for (std::size_t i = 0; i < pieces; ++i) {
    const bool writes = i >= device_reads.size();
    const Piece& piece = writes ? device_writes[i - device_reads.size()] : device_reads[i];
    fill(descriptors()[at], piece, writes, i + 1 < pieces, next_free_[at]);
    chain.last = at;
    at = next_free_[at];
  }
  chain.descriptors = static_cast<std::uint16_t>(pieces);
  free_head_ = at;
  free_descriptors_ = static_cast<std::uint16_t>(free_descriptors_ - pieces);
}

void SplitQueue::write_table(std::span<const Piece> device_reads, std::span<const Piece> device_writes) {
  const std::size_t pieces = device_reads.size() + device_writes.size();
  const std::uint16_t index = free_tables_.back();
  free_tables_.pop_back();
  for (std::size_t i = 0; i < pieces; ++i) {
    const bool writes = i >= device_reads.size();
    const Piece& piece = writes ? device_writes[i - device_reads.size()] : device_reads[i];
    fill(table(index)[i], piece, writes, i + 1 < pieces, static_cast<std::uint16_t>(i + 1));
  }
  const std::size_t table_bytes = std::size_t{options_.table_entries} * sizeof(Descriptor);
  const std::uint16_t slot = free_head_;
  descriptors()[slot] = {(tables_address_ + index * table_bytes).value(),
                         static_cast<std::uint32_t>(pieces * sizeof(Descriptor)), descriptor_indirect, 0};
  chains_[slot].descriptors = 1;
  chains_[slot].last = slot;
  chains_[slot].table = index;
  free_head_ = next_free_[slot];
  --free_descriptors_;
}

bool SplitQueue::publish() {
  if (added_ == published_ || broken_) return false;
  const std::uint16_t before = published_;
  published_ = added_;
  store(layout_.avail_index(), published_);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with the device's, see above
  if (options_.event_index) return passes_event(load(layout_.avail_event()), published_, before);
  return (load(layout_.used_flags()) & used_no_notify) == 0;
}

std::uint16_t SplitQueue::pending_used() const {
  return static_cast<std::uint16_t>(load(layout_.used_index()) - taken_);
}

bool SplitQueue::has_used() const { return !broken_ && pending_used() != 0; }

Result<std::optional<SplitQueue::Used>> SplitQueue::take_used() {
  if (broken_) return fail(Error::NoDevice);
  const std::uint16_t pending = pending_used();
  if (pending == 0) return std::nullopt;
  // Read once: the device could change it between a check and a use.
  const std::byte* element = ring_.data() + layout_.used_ring(taken_ % size());
  const auto id = *reinterpret_cast<const volatile std::uint32_t*>(element + offsetof(UsedElement, id));
  const auto bytes = *reinterpret_cast<const volatile std::uint32_t*>(element + offsetof(UsedElement, bytes));
  const bool known = pending <= in_flight_ && id < size() && chains_[id].descriptors != 0;
  // Where nothing is writable the length means nothing, and some devices put the chain's length there.
  if (!known || (chains_[id].writable_bytes > 0 && bytes > chains_[id].writable_bytes)) {
    broken_ = true;
    return fail(Error::Malformed);
  }
  const auto slot = static_cast<std::uint16_t>(id);
  const Used used{slot, chains_[slot].writable_bytes > 0 ? bytes : 0};
  release(slot);
  ++taken_;
  return used;
}

// Last freed, first used: the memory is warm.
void SplitQueue::release(std::uint16_t slot) {
  Chain& chain = chains_[slot];
  if (chain.table != no_table) {
    const bool had_room = free_tables_.push_back(chain.table).has_value();
    LEGO_ASSERT(had_room);  // it came from there
  }
  next_free_[chain.last] = free_head_;
  free_head_ = slot;
  free_descriptors_ = static_cast<std::uint16_t>(free_descriptors_ + chain.descriptors);
  chain.descriptors = 0;
  --in_flight_;
}

bool SplitQueue::arm(std::uint16_t after) {
  if (broken_) return true;
  if (options_.event_index) {
    store(layout_.used_event(), static_cast<std::uint16_t>(taken_ + after));
  } else {
    store(layout_.avail_flags(), 0);
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with the device's, see above
  // Without event indices the interrupt comes at the next chain used, so only a later one can be missed.
  if (pending_used() <= (options_.event_index ? after : 0)) return true;
  disarm();
  return false;
}

// With event indices there is no "never": the event is put as far away as the index can be, behind what was taken.
void SplitQueue::disarm() {
  if (options_.event_index) {
    store(layout_.used_event(), static_cast<std::uint16_t>(taken_ - 1));
  } else {
    store(layout_.avail_flags(), avail_no_interrupt);
  }
}

std::optional<std::uint16_t> SplitQueue::reclaim() {
  broken_ = true;
  for (std::uint16_t slot = 0; slot < size(); ++slot) {
    if (chains_[slot].descriptors == 0) continue;
    release(slot);
    return slot;
  }
  return std::nullopt;
}

}  // namespace virtio

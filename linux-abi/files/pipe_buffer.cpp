// SPDX-License-Identifier: Apache-2.0
// The bytes in a pipe: see pipe_buffer.h.
#include "linux-abi/files/pipe_buffer.h"

#include <asm/poll.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace linux_abi {

Answer<> PipeBuffer::allocate(std::size_t bytes) {
  TRY(ring_.resize(std::min(bytes, smallest_ring)));
  capacity_ = bytes;
  return {};
}

Answer<> PipeBuffer::resize_ring_locked(std::size_t bytes) {
  base::Array<std::byte> fresh;
  TRY(fresh.resize(bytes));
  copy_bytes_locked(fresh.span());
  start_ = 0;
  std::swap(ring_, fresh);
  return {};
}

std::size_t PipeBuffer::make_room_locked(std::size_t bytes) {
  if (used_ >= capacity_) return 0;
  const std::size_t wanted = std::min(used_ + bytes, capacity_);
  // Where memory is short, what there is has to do.
  if (wanted > ring_.size()) (void)resize_ring_locked(std::min(std::bit_ceil(wanted), capacity_));
  return std::min(ring_.size(), capacity_) - used_;
}

std::size_t PipeBuffer::copy_bytes_locked(std::span<std::byte> to) const {
  const std::size_t count = std::min(to.size(), used_);
  const std::size_t first = std::min(count, ring_.size() - start_);
  std::memcpy(to.data(), ring_.data() + start_, first);
  std::memcpy(to.data() + first, ring_.data(), count - first);
  return count;
}

std::size_t PipeBuffer::copy_locked(std::span<std::byte> to) const {
  if (packets_.empty()) return copy_bytes_locked(to);
  const Packet& next = packets_[0];
  const std::uint64_t end = next.start > taken_ ? next.start : next.end;
  return copy_bytes_locked(to.first(std::min<std::uint64_t>(to.size(), end - taken_)));
}

void PipeBuffer::drop_locked(std::size_t bytes) {
  start_ = (start_ + bytes) % ring_.size();
  used_ -= bytes;
  taken_ += bytes;
}

std::size_t PipeBuffer::take_locked(std::span<std::byte> to) {
  const std::size_t count = copy_locked(to);
  const bool of_packet = !packets_.empty() && packets_[0].start <= taken_ && count > 0;
  drop_locked(count);
  if (of_packet) {
    drop_locked(packets_[0].end - taken_);
    packets_.erase(0);
  }
  return count;
}

bool PipeBuffer::has_room_locked(std::size_t bytes, Framing framing) {
  const bool has_slot = framing == Framing::None || packets_.size() < capacity_ / pipe_atomic_bytes;
  return has_slot && make_room_locked(bytes) >= bytes;
}

std::size_t PipeBuffer::put_locked(std::span<const std::byte> from) {
  const std::size_t count = std::min(from.size(), make_room_locked(from.size()));
  const std::size_t end = (start_ + used_) % ring_.size();
  const std::size_t first = std::min(count, ring_.size() - end);
  std::memcpy(ring_.data() + end, from.data(), first);
  std::memcpy(ring_.data(), from.data() + first, count - first);
  used_ += count;
  return count;
}

Answer<std::size_t> PipeBuffer::read(std::span<std::byte> to, bool non_blocking, Caller& caller) {
  if (to.empty()) return std::size_t{0};
  std::size_t taken = 0;
  bool would_block = false;
  const auto ready = [&] {
    taken = take_locked(to);
    if (taken > 0) writable_.wake_all();
    if (taken > 0 || writers_ == 0) return true;
    would_block = non_blocking;
    return would_block;
  };
  TRY(wait_until(caller, lock_, readable_, base::never_ns, ready));
  if (would_block) return error(EAGAIN);
  if (taken > 0) changed(POLLOUT | POLLWRNORM);
  return taken;
}

Answer<std::size_t> PipeBuffer::write(std::span<const std::byte> from, bool non_blocking, Caller& caller,
                                      Framing framing) {
  const bool packets = framing == Framing::Packets;
  std::size_t done = 0;
  while (done < from.size()) {
    const std::size_t left = from.size() - done;
    const auto rest = from.subspan(done, packets ? std::min(left, pipe_atomic_bytes) : left);
    std::size_t put = 0;
    bool broken = false, would_block = false;
    const auto ready = [&] {
      broken = readers_ == 0;
      if (broken) return true;
      // A small write is never split.
      if (rest.size() > pipe_atomic_bytes || has_room_locked(rest.size(), framing)) put = put_locked(rest);
      // Without memory for the list the bytes are no packet, but none is lost.
      if (put > 0 && packets) (void)packets_.push_back({taken_ + used_ - put, taken_ + used_});
      if (put > 0) readable_.wake_all();
      would_block = put == 0 && non_blocking;
      return put > 0 || would_block;
    };
    const Answer<> waited = wait_until(caller, lock_, writable_, base::never_ns, ready);
    if (!waited) return done > 0 ? Answer<std::size_t>(done) : std::unexpected(waited.error());
    if (put > 0) changed(POLLIN | POLLRDNORM);
    if (broken) return done > 0 ? Answer<std::size_t>(done) : error(EPIPE);
    if (would_block) return done > 0 ? Answer<std::size_t>(done) : error(EAGAIN);
    done += put;
  }
  return done;
}

std::size_t PipeBuffer::try_read(std::span<std::byte> to) {
  std::size_t taken = 0;
  {
    const base::SpinGuard guard(lock_);
    taken = take_locked(to);
    if (taken > 0) writable_.wake_all();
  }
  if (taken > 0) changed(POLLOUT | POLLWRNORM);
  return taken;
}

std::size_t PipeBuffer::try_write(std::span<const std::byte> from) {
  std::size_t put = 0;
  {
    const base::SpinGuard guard(lock_);
    put = put_locked(from);
    if (put > 0) readable_.wake_all();
  }
  if (put > 0) changed(POLLIN | POLLRDNORM);
  return put;
}

bool PipeBuffer::put_back(std::span<const std::byte> bytes) {
  {
    const base::SpinGuard guard(lock_);
    const std::size_t wanted = used_ + bytes.size();
    if (wanted > ring_.size() && !resize_ring_locked(std::bit_ceil(wanted))) return false;
    start_ = (start_ + ring_.size() - bytes.size()) % ring_.size();
    const std::size_t first = std::min(bytes.size(), ring_.size() - start_);
    std::memcpy(ring_.data() + start_, bytes.data(), first);
    std::memcpy(ring_.data(), bytes.data() + first, bytes.size() - first);
    used_ = wanted;
    taken_ -= bytes.size();
    readable_.wake_all();
  }
  changed(POLLIN | POLLRDNORM);
  return true;
}

std::size_t PipeBuffer::peek(std::span<std::byte> to) {
  const base::SpinGuard guard(lock_);
  return copy_locked(to);
}

Answer<> PipeBuffer::wait_for_bytes(bool non_blocking, Caller& caller, const std::atomic<std::uint8_t>* news) {
  bool would_block = false;
  TRY(wait_until(caller, lock_, readable_, base::never_ns, [&] {
    if (used_ > 0 || writers_ == 0 || (news != nullptr && news->load(std::memory_order_relaxed) != 0)) return true;
    would_block = non_blocking;
    return would_block;
  }));
  return would_block ? error(EAGAIN) : Answer<>();
}

void PipeBuffer::wake_readers(std::uint32_t events) {
  {
    const base::SpinGuard guard(lock_);
    readable_.wake_all();
  }
  changed(events);
}

Answer<> PipeBuffer::wait_for_room(bool non_blocking, Caller& caller) {
  bool would_block = false, broken = false;
  TRY(wait_until(caller, lock_, writable_, base::never_ns, [&] {
    broken = readers_ == 0;
    if (broken || room_locked() > 0) return true;
    would_block = non_blocking;
    return would_block;
  }));
  if (broken) return error(EPIPE);
  return would_block ? error(EAGAIN) : Answer<>();
}

std::size_t PipeBuffer::room() {
  const base::SpinGuard guard(lock_);
  return room_locked();
}

bool PipeBuffer::try_write_whole(std::span<const std::byte> from) {
  {
    const base::SpinGuard guard(lock_);
    LEGO_ASSERT(from.size() <= capacity_);
    if (make_room_locked(from.size()) < from.size()) return false;
    put_locked(from);
    readable_.wake_all();
  }
  changed(POLLIN | POLLRDNORM);
  return true;
}

Answer<> PipeBuffer::wait_for_writer(Caller& caller) {
  std::uint64_t before = 0;
  bool first = true;
  return wait_until(caller, lock_, opened_, base::never_ns, [&] {
    if (std::exchange(first, false)) before = writers_ever_;
    return writers_ > 0 || writers_ever_ != before;
  });
}

Answer<> PipeBuffer::wait_for_reader(Caller& caller) {
  std::uint64_t before = 0;
  bool first = true;
  return wait_until(caller, lock_, opened_, base::never_ns, [&] {
    if (std::exchange(first, false)) before = readers_ever_;
    return readers_ > 0 || readers_ever_ != before;
  });
}

void PipeBuffer::add_reader() {
  const base::SpinGuard guard(lock_);
  ++readers_;
  ++readers_ever_;
  opened_.wake_all();
}

void PipeBuffer::add_writer() {
  const base::SpinGuard guard(lock_);
  ++writers_;
  ++writers_ever_;
  opened_.wake_all();
}

void PipeBuffer::remove_reader() {
  {
    const base::SpinGuard guard(lock_);
    --readers_;
    if (readers_ == 0) writable_.wake_all();
  }
  changed(POLLERR | POLLOUT | POLLWRNORM);
}

void PipeBuffer::remove_writer() {
  {
    const base::SpinGuard guard(lock_);
    --writers_;
    if (writers_ == 0) readable_.wake_all();
  }
  changed(POLLHUP | POLLIN);
}

bool PipeBuffer::has_readers() {
  const base::SpinGuard guard(lock_);
  return readers_ > 0;
}

bool PipeBuffer::has_writers() {
  const base::SpinGuard guard(lock_);
  return writers_ > 0;
}

bool PipeBuffer::is_unused() {
  const base::SpinGuard guard(lock_);
  return readers_ == 0 && writers_ == 0;
}

std::uint32_t PipeBuffer::events(bool for_reader, bool for_writer) {
  const base::SpinGuard guard(lock_);
  std::uint32_t events = 0;
  if (for_reader && used_ > 0) events |= POLLIN | POLLRDNORM;
  if (for_reader && writers_ == 0 && writers_ever_ > 0) events |= POLLHUP;
  if (for_writer && room_locked() >= pipe_atomic_bytes) events |= POLLOUT | POLLWRNORM;
  if (for_writer && readers_ == 0) events |= POLLERR;
  return events;
}

std::size_t PipeBuffer::bytes() {
  const base::SpinGuard guard(lock_);
  return used_;
}

std::size_t PipeBuffer::capacity() {
  const base::SpinGuard guard(lock_);
  return capacity_;
}

std::size_t pipe_capacity(std::size_t bytes) { return std::max(pipe_atomic_bytes, std::bit_ceil(bytes)); }

Answer<> PipeBuffer::set_capacity(std::size_t bytes) {
  const std::size_t wanted = pipe_capacity(bytes);
  if (wanted > pipe_largest_bytes) return error(ENOMEM);
  {
    const base::SpinGuard guard(lock_);
    if (used_ > wanted) return error(EBUSY);
    if (ring_.size() > wanted) TRY(resize_ring_locked(wanted));
    capacity_ = wanted;
    writable_.wake_all();
  }
  changed(POLLOUT | POLLWRNORM);
  return {};
}

}  // namespace linux_abi

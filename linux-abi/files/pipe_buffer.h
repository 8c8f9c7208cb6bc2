// SPDX-License-Identifier: Apache-2.0
// The bytes in a pipe, and who holds its ends: pure, with its own lock (rank Process). Writes of up to PIPE_BUF bytes
// go in whole or not at all.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "kernel/base/spinlock.h"
#include "linux-abi/files/caller.h"
#include "linux-abi/files/poll_source.h"

namespace linux_abi {

inline constexpr std::size_t pipe_atomic_bytes = 4096;  // PIPE_BUF
inline constexpr std::size_t pipe_default_bytes = 65536;
// /proc/sys/fs/pipe-max-size: who has no right to more resources gets no larger pipe. Relaxed: a limit.
inline std::atomic<std::uint32_t> pipe_max_bytes{1 << 20};
// Larger ones nobody gets (ENOMEM).
inline constexpr std::size_t pipe_largest_bytes = 16 << 20;
// The capacity that is meant by a number: a power of two of pages.
std::size_t pipe_capacity(std::size_t bytes);

// Packets (O_DIRECT of pipe(2)): what one write wrote, of at most PIPE_BUF bytes, is what one read reads; what does not
// fit there is lost.
enum class Framing : std::uint8_t { None, Packets };

class PipeBuffer {
 public:
  Answer<> allocate(std::size_t bytes = pipe_default_bytes);

  // 0: every writer is gone. EAGAIN when non_blocking and empty.
  Answer<std::size_t> read(std::span<std::byte> to, bool non_blocking, Caller& caller);
  // EPIPE when every reader is gone (the caller raises SIGPIPE), EAGAIN.
  Answer<std::size_t> write(std::span<const std::byte> from, bool non_blocking, Caller& caller,
                            Framing framing = Framing::None);
  // For the other side of a console, which never waits: what there is, what fits.
  std::size_t try_read(std::span<std::byte> to);
  std::size_t try_write(std::span<const std::byte> from);
  // All of it or nothing; whether it was written. Never more than the capacity.
  bool try_write_whole(std::span<const std::byte> from);
  // For splice and its kin. Bytes that were read and could not be passed on stand in front again, beyond the capacity
  // if writers were faster; false: for want of memory they are lost.
  bool put_back(std::span<const std::byte> bytes);
  // What the next read would give, which stays.
  std::size_t peek(std::span<std::byte> to);
  // Until there is something to read, or nobody will write, or *news (which wake_readers() follows) is not 0; EAGAIN.
  Answer<> wait_for_bytes(bool non_blocking, Caller& caller, const std::atomic<std::uint8_t>* news = nullptr);
  void wake_readers(std::uint32_t events);
  // Until a byte can be written; EPIPE, EAGAIN.
  Answer<> wait_for_room(bool non_blocking, Caller& caller);
  std::size_t room();
  // Waits, as open(2) of a fifo does, until the other end is there or has been there.
  Answer<> wait_for_writer(Caller& caller);
  Answer<> wait_for_reader(Caller& caller);

  void add_reader();
  void add_writer();
  void remove_reader();
  void remove_writer();
  bool has_readers();
  bool has_writers();
  // Nobody has it open.
  bool is_unused();

  std::uint32_t events(bool for_reader, bool for_writer);
  PollSource& source() { return source_; }
  std::size_t bytes();
  std::size_t capacity();
  Answer<> set_capacity(std::size_t bytes);  // EBUSY if more is in it

 private:
  static constexpr std::size_t smallest_ring = pipe_atomic_bytes;
  Answer<> resize_ring_locked(std::size_t bytes);
  // How much can be put now, after growing for that many bytes more.
  std::size_t make_room_locked(std::size_t bytes);
  std::size_t room_locked() const { return used_ < capacity_ ? capacity_ - used_ : 0; }
  std::size_t copy_bytes_locked(std::span<std::byte> to) const;
  // No more than a packet.
  std::size_t copy_locked(std::span<std::byte> to) const;
  void drop_locked(std::size_t bytes);
  bool has_room_locked(std::size_t bytes, Framing framing);
  std::size_t take_locked(std::span<std::byte> to);
  std::size_t put_locked(std::span<const std::byte> from);
  void changed(std::uint32_t events) { source_.notify(events); }

  base::SpinLock lock_{base::LockRank::Process};  // guards all below but source_
  base::Array<std::byte> ring_;                   // grows as bytes come, up to capacity_
  std::size_t capacity_ = 0;
  std::size_t start_ = 0;
  std::size_t used_ = 0;
  // Positions count all bytes that ever were; the first in the ring is the one at taken_.
  struct Packet {
    std::uint64_t start = 0, end = 0;
  };
  base::Array<Packet> packets_;  // in order
  std::uint64_t taken_ = 0;
  std::uint32_t readers_ = 0, writers_ = 0;
  std::uint64_t readers_ever_ = 0, writers_ever_ = 0;
  base::WaitQueue readable_, writable_, opened_;
  PollSource source_;
};

}  // namespace linux_abi

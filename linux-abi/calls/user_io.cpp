// SPDX-License-Identifier: Apache-2.0
// Moving bytes between user memory and open files: see user_io.h.
#include "linux-abi/calls/user_io.h"

#include <algorithm>

#include "arch/x86_64/user_copy.h"
#include "arch/x86_64/user_ptr.h"
#include "kernel/base/platform.h"
#include "linux-abi/files/file_watches.h"
#include "linux-abi/files/pipe_buffer.h"

namespace linux_abi {
namespace {

constexpr std::size_t small_piece = 512;            // on the stack
constexpr std::size_t large_piece = 64 * 1024;      // of memory, for longer transfers
constexpr std::uint64_t max_transfer = 0x7ffff000;  // as Linux's MAX_RW_COUNT

// A kernel buffer for one call. What is in it at first does not matter: clearing it would take as long as the copy.
class Piece {
 public:
  explicit Piece(std::uint64_t wanted) {
    if (wanted <= small_.size()) return;
    const std::size_t bytes = std::min<std::uint64_t>(wanted, large_piece);
    large_ = static_cast<std::byte*>(base::platform::allocate(bytes));
    if (large_ != nullptr) bytes_ = {large_, bytes};
  }
  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;
  ~Piece() { base::platform::deallocate(large_); }
  std::span<std::byte> first(std::uint64_t wanted) {
    return bytes_.first(std::min<std::uint64_t>(wanted, bytes_.size()));
  }

 private:
  std::array<std::byte, small_piece> small_;
  std::byte* large_ = nullptr;
  std::span<std::byte> bytes_{small_};
};

std::uint64_t total_bytes(std::span<const UserVector> vectors) {
  std::uint64_t total = 0;
  for (const UserVector& vector : vectors) total += std::min(vector.bytes, max_transfer - total);
  return total;
}

// Something was moved: that is the answer, and what went wrong comes with the next call.
Answer<std::uint64_t> partly(std::uint64_t done, Errno failure) {
  if (done > 0) return done;
  return std::unexpected(failure);
}

constexpr std::size_t largest_message = 256 * 1024;  // more than any socket takes

Answer<std::uint64_t> read_message(Thread& thread, OpenFile& file, std::span<const UserVector> vectors) {
  UserVectors user(vectors);
  base::Array<std::byte> message;
  TRY(message.resize(std::min<std::uint64_t>(user.left(), largest_message)));
  const std::size_t read = TRY(file.read(message.span(), thread));
  if (user.copy_out(message.span().first(read)) < read) return error(EFAULT);
  return read;
}

Answer<std::uint64_t> write_message(Thread& thread, OpenFile& file, std::span<const UserVector> vectors) {
  UserVectors user(vectors);
  base::Array<std::byte> message;
  if (user.left() > largest_message) return error(EMSGSIZE);
  TRY(message.resize(user.left()));
  if (user.copy_in(message.span()) < message.size()) return error(EFAULT);
  return TRY(file.write(message.span(), thread));
}

}  // namespace

Answer<IoPlace> place_from(std::uint64_t pointer) {
  if (pointer == 0) return IoPlace{};
  return place_at(TRY(arch::UserIn<std::uint64_t>(pointer).read()));
}

Answer<> advance(std::uint64_t pointer, const IoPlace& place, std::uint64_t done) {
  if (pointer != 0) TRY(arch::UserOut<std::uint64_t>(pointer).write(place.offset + done));
  return {};
}

template <typename Copy>
std::size_t UserVectors::move(std::size_t bytes, Copy copy) {
  std::size_t done = 0;
  while (done < bytes && !vectors_.empty()) {
    const UserVector& first = vectors_.front();
    const std::size_t now = std::min<std::uint64_t>(bytes - done, first.bytes - in_first_);
    const std::size_t copied = copy(base::UserVa(first.address + in_first_), done, now);
    done += copied;
    in_first_ += copied;
    if (copied < now) break;
    if (in_first_ == first.bytes) {
      vectors_ = vectors_.subspan(1);
      in_first_ = 0;
    }
  }
  return done;
}

std::uint64_t UserVectors::left() const { return total_bytes(vectors_) - in_first_; }

std::size_t UserVectors::copy_in(std::span<std::byte> to) {
  return move(to.size(), [to](base::UserVa address, std::size_t offset, std::size_t bytes) {
    return arch::copy_from_user_partial(to.subspan(offset, bytes), address);
  });
}

std::size_t UserVectors::copy_out(std::span<const std::byte> from) {
  return move(from.size(), [from](base::UserVa address, std::size_t offset, std::size_t bytes) {
    return arch::copy_to_user_partial(address, from.subspan(offset, bytes));
  });
}

namespace {
// done: of the call, before this piece. A pipe that has given something gives what else it has, without waiting.
Answer<std::size_t> read_piece(Thread& thread, OpenFile& file, std::span<std::byte> to, const IoPlace& place,
                               std::uint64_t done) {
  if (place.has_offset) return file.read_at(place.offset + done, to, thread);
  if (done > 0 && file.pipe() != nullptr) return file.pipe()->try_read(to);
  return file.read(to, thread);
}
}  // namespace

namespace {

Answer<std::uint64_t> read_pieces(Thread& thread, OpenFile& file, std::span<const UserVector> vectors, IoPlace place) {
  if (!file.readable()) return error(EBADF);
  if (file.keeps_messages() && !place.has_offset) return read_message(thread, file, vectors);
  const std::uint64_t wanted = total_bytes(vectors);
  Piece piece(wanted);
  std::uint64_t done = 0;
  for (const UserVector& vector : vectors) {
    for (std::uint64_t in_vector = 0; in_vector < vector.bytes && done < wanted;) {
      const auto buffer = piece.first(std::min(vector.bytes - in_vector, wanted - done));
      const auto read = read_piece(thread, file, buffer, place, done);
      if (!read) return partly(done, read.error());
      const std::size_t copied =
          arch::copy_to_user_partial(base::UserVa(vector.address + in_vector), buffer.first(*read));
      done += copied;
      in_vector += copied;
      if (copied < *read) return partly(done, Errno(EFAULT));
      if (*read < buffer.size() || (!file.continues() && file.pipe() == nullptr)) return done;
    }
  }
  // A read of nothing still finds out whether it could read.
  if (wanted == 0) {
    const auto read = place.has_offset ? file.read_at(place.offset, {}, thread) : file.read({}, thread);
    if (!read) return std::unexpected(read.error());
  }
  return done;
}

namespace {
// done: of the call, before this piece.
Answer<std::size_t> write_piece(Thread& thread, OpenFile& file, std::span<const std::byte> piece, const IoPlace& place,
                                std::uint64_t done) {
  if (place.end != IoPlace::End::AsOpened) {
    WritePlace target{
        .has_offset = place.has_offset, .offset = place.offset + done, .appends = place.end == IoPlace::End::Appends};
    return file.write_to(target, piece, thread);
  }
  return place.has_offset ? file.write_at(place.offset + done, piece, thread) : file.write(piece, thread);
}
}  // namespace

Answer<std::uint64_t> write_pieces(Thread& thread, OpenFile& file, std::span<const UserVector> vectors, IoPlace place) {
  if (!file.writable()) return error(EBADF);
  if (file.keeps_messages() && !place.has_offset) return write_message(thread, file, vectors);
  const std::uint64_t wanted = total_bytes(vectors);
  Piece piece(wanted);
  std::uint64_t done = 0;
  for (const UserVector& vector : vectors) {
    for (std::uint64_t in_vector = 0; in_vector < vector.bytes && done < wanted;) {
      const auto buffer = piece.first(std::min(vector.bytes - in_vector, wanted - done));
      const std::size_t copied = arch::copy_from_user_partial(buffer, base::UserVa(vector.address + in_vector));
      if (copied == 0) return partly(done, Errno(EFAULT));
      const auto written = write_piece(thread, file, buffer.first(copied), place, done);
      if (!written) return partly(done, written.error());
      done += *written;
      in_vector += *written;
      if (*written < copied) return done;
      if (copied < buffer.size()) return partly(done, Errno(EFAULT));
    }
  }
  return done;
}

}  // namespace

namespace {
void count(std::atomic<std::uint64_t>& calls, std::atomic<std::uint64_t>& bytes, const Answer<std::uint64_t>& done) {
  calls.fetch_add(1, std::memory_order_relaxed);
  if (done) bytes.fetch_add(*done, std::memory_order_relaxed);
}
}  // namespace

Answer<std::uint64_t> read_to_user(Thread& thread, OpenFile& file, std::span<const UserVector> vectors, IoPlace place) {
  const auto done = read_pieces(thread, file, vectors, place);
  count(thread.process().io.reads, thread.process().io.bytes_read, done);
  if (done && *done > 0) tell_file(file, file_event::access);
  return done;
}

Answer<std::uint64_t> write_from_user(Thread& thread, OpenFile& file, std::span<const UserVector> vectors,
                                      IoPlace place) {
  const auto done = write_pieces(thread, file, vectors, place);
  count(thread.process().io.writes, thread.process().io.bytes_written, done);
  if (done && *done > 0) tell_file(file, file_event::modify);
  return done;
}

Answer<base::Array<UserVector>> read_vectors(std::uint64_t address, std::uint64_t count) {
  if (count > max_vectors) return error(EINVAL);
  base::Array<UserVector> vectors;
  TRY(vectors.resize(count));
  TRY(arch::UserIn<UserVector>(address).read_array(vectors.span()));
  std::uint64_t total = 0;
  for (const UserVector& vector : vectors) {
    constexpr std::uint64_t most = ~std::uint64_t{0} >> 1;
    if (vector.bytes > most || vector.bytes > most - total) return error(EINVAL);
    total += vector.bytes;
  }
  return vectors;
}

}  // namespace linux_abi

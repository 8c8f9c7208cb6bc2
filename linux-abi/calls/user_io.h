// SPDX-License-Identifier: Apache-2.0
// Moving bytes between user memory and open files in pieces, through a kernel buffer.
#pragma once

#include "linux-abi/calls/call.h"
#include "linux-abi/files/open_file.h"

namespace linux_abi {

struct UserVector {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
};

// nullopt-like: no offset means the file's own position.
struct IoPlace {
  // Whether a write goes to the end of the file.
  enum class End : std::uint8_t { AsOpened, Appends, Never };
  bool has_offset = false;
  std::uint64_t offset = 0;
  End end = End::AsOpened;
};
inline Answer<IoPlace> place_at(std::uint64_t offset) {
  if (static_cast<std::int64_t>(offset) < 0) return error(EINVAL);
  return IoPlace{.has_offset = true, .offset = offset};
}
// The offset that a user's pointer holds; without one the file's own position.
Answer<IoPlace> place_from(std::uint64_t pointer);
// The pointer's offset moves by what was done.
Answer<> advance(std::uint64_t pointer, const IoPlace& place, std::uint64_t done);

Answer<std::uint64_t> read_to_user(Thread& thread, OpenFile& file, std::span<const UserVector> vectors, IoPlace place);
Answer<std::uint64_t> write_from_user(Thread& thread, OpenFile& file, std::span<const UserVector> vectors,
                                      IoPlace place);

// The bytes of several vectors one after the other.
class UserVectors {
 public:
  explicit UserVectors(std::span<const UserVector> vectors) : vectors_(vectors) {}
  // How many bytes are left, at most what one call may move.
  std::uint64_t left() const;
  // Copy in or out and go on behind; less than asked for at the end or before a bad address.
  std::size_t copy_in(std::span<std::byte> to);
  std::size_t copy_out(std::span<const std::byte> from);

 private:
  template <typename Copy>
  std::size_t move(std::size_t bytes, Copy copy);
  std::span<const UserVector> vectors_;
  std::uint64_t in_first_ = 0;  // bytes of the first vector that are done
};

// struct iovec[count] of user memory; EINVAL when there are too many or they are too long together.
inline constexpr std::size_t max_vectors = 1024;
Answer<base::Array<UserVector>> read_vectors(std::uint64_t address, std::uint64_t count);

}  // namespace linux_abi

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
  bool has_offset = false;
  std::uint64_t offset = 0;
};

Answer<std::uint64_t> read_to_user(Thread& thread, OpenFile& file, std::span<const UserVector> vectors, IoPlace place);
Answer<std::uint64_t> write_from_user(Thread& thread, OpenFile& file, std::span<const UserVector> vectors,
                                      IoPlace place);

// struct iovec[count] of user memory; EINVAL when there are too many or they are too long together.
inline constexpr std::size_t max_vectors = 1024;
Answer<base::Array<UserVector>> read_vectors(std::uint64_t address, std::uint64_t count);

}  // namespace linux_abi

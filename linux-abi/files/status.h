// SPDX-License-Identifier: Apache-2.0
// What stat, fstat and statx tell of a file, before it is laid out as the call wants it.
#pragma once

#include <cstdint>

namespace linux_abi {

struct FileStatus {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint32_t mode = 0;
  std::uint32_t links = 1;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t special_device = 0;
  std::uint64_t bytes = 0;
  std::uint64_t blocks = 0;  // of 512 bytes
  std::uint32_t block_bytes = 4096;
  std::uint64_t access_time_ns = 0;
  std::uint64_t modify_time_ns = 0;
  std::uint64_t change_time_ns = 0;
};

}  // namespace linux_abi

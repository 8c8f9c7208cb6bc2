// SPDX-License-Identifier: Apache-2.0
// CRC-32C as the disk format uses it: continued from a seed, without inversion.
#pragma once

#include <ext2fs/ext2fs.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace ext4 {

inline std::uint32_t checksum(std::uint32_t seed, std::span<const std::byte> data) {
  return ext2fs_crc32c_le(seed, reinterpret_cast<const unsigned char*>(data.data()), data.size());
}

}  // namespace ext4

// SPDX-License-Identifier: Apache-2.0
// What the test image and the test program know of each other: the bytes on the disk and the frames on the wire.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/base/endian.h"

namespace drivers_test {

// The byte at an offset of the disk, once the image has written there.
constexpr std::uint8_t disk_byte(std::uint64_t offset) {
  return static_cast<std::uint8_t>(offset * 31 + (offset >> 8) * 17 + (offset >> 16) * 5 + 7);
}

// So much of the disk is written, from its beginning.
inline constexpr std::uint64_t disk_bytes = 1 << 20;

inline constexpr std::uint16_t ethertype = 0x88b5;  // IEEE 802, for experiments

enum class Command : std::uint8_t {
  Echo = 1,   // comes back as it is, addresses swapped
  Flood = 2,  // `count` frames of Flooded follow, then one of Done
  Flooded = 3,
  Done = 4,
  Report = 5,  // the answer is a Report with counters
};

struct Head {
  std::uint8_t destination[6];
  std::uint8_t source[6];
  base::be16 type;
  std::uint8_t command;
  std::uint8_t reserved;
  base::be32 count;  // Flood: how many; Flooded: which one, from 0; Echo: anything
};
static_assert(sizeof(Head) == 20);

struct Report {
  Head head;
  base::be64 tx_packets, tx_bytes, rx_packets, rx_bytes, tx_full, rx_dropped, device_errors;
  base::be64 told;    // completions of frames with borrowed memory
  base::be64 lent;    // frames with borrowed memory
  base::be64 spaces;  // words of space
  base::be64 halts;
};
static_assert(sizeof(Report) == sizeof(Head) + 88);

}  // namespace drivers_test

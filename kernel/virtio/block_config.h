// SPDX-License-Identifier: Apache-2.0
// What a virtio block device says of itself (Virtual I/O Device 1.2, 5.2.3 and 5.2.4), checked.
#pragma once

#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/blockdev/block_device.h"
#include "kernel/virtio/transport.h"

namespace virtio {

struct BlockConfig {
  blockdev::Geometry geometry;
  std::uint32_t max_piece_bytes = 0;      // of one descriptor
  std::uint32_t max_discard_sectors = 0;  // of one request

  static constexpr std::uint64_t size_max = feature(1);
  static constexpr std::uint64_t seg_max = feature(2);
  static constexpr std::uint64_t read_only = feature(5);
  static constexpr std::uint64_t block_size = feature(6);
  static constexpr std::uint64_t flush = feature(9);
  static constexpr std::uint64_t config_write_cache = feature(11);
  static constexpr std::uint64_t discard = feature(13);
  static constexpr std::uint64_t wanted =
      size_max | seg_max | read_only | block_size | flush | config_write_cache | discard;

  // Malformed: what the device says makes no sense.
  static base::Result<BlockConfig> read(Transport& transport, std::uint64_t features);

  // Errors as BlockDevice::submit, but for a full queue and a failed device.
  base::Result<> check(const blockdev::Request& request) const;
};

}  // namespace virtio

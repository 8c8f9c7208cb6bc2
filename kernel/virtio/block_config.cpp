// SPDX-License-Identifier: Apache-2.0
// Reading a block device's configuration and holding requests against it.
#include "kernel/virtio/block_config.h"

#include <algorithm>

namespace virtio {

using base::Error;
using base::fail;
using base::Result;
using blockdev::Operation;
using blockdev::Request;

namespace {

// 5.2.4, offsets of the fields
constexpr std::size_t field_capacity = 0;
constexpr std::size_t field_size_max = 8;
constexpr std::size_t field_seg_max = 12;
constexpr std::size_t field_block_size = 20;
constexpr std::size_t field_write_cache = 32;
constexpr std::size_t field_max_discard_sectors = 36;

Result<> read_limits(Transport& transport, std::uint64_t features, BlockConfig& config) {
  config.max_piece_bytes = static_cast<std::uint32_t>(blockdev::max_request_bytes);
  if ((features & BlockConfig::size_max) != 0) {
    const auto bytes = TRY(read_config_field<std::uint32_t>(transport, field_size_max));
    if (bytes == 0) return fail(Error::Malformed);
    config.max_piece_bytes = std::min(config.max_piece_bytes, bytes);
  }
  if ((features & BlockConfig::seg_max) != 0) {
    const auto segments = TRY(read_config_field<std::uint32_t>(transport, field_seg_max));
    if (segments == 0) return fail(Error::Malformed);
    config.geometry.max_segments = std::min<std::size_t>(config.geometry.max_segments, segments);
  }
  if ((features & BlockConfig::discard) != 0) {
    config.max_discard_sectors = TRY(read_config_field<std::uint32_t>(transport, field_max_discard_sectors));
    config.geometry.can_discard = config.max_discard_sectors > 0;
  }
  return {};
}

template <typename Bytes>
Result<std::uint64_t> total_bytes(std::span<const std::span<Bytes>> segments, std::size_t max_segments) {
  if (segments.size() > max_segments) return fail(Error::InvalidArgument);
  std::uint64_t total = 0;
  for (const auto& segment : segments) {
    if (segment.empty() || segment.size() > blockdev::max_request_bytes) return fail(Error::InvalidArgument);
    total += segment.size();
  }
  return total;
}

}  // namespace

Result<BlockConfig> BlockConfig::read(Transport& transport, std::uint64_t features) {
  BlockConfig config;
  const auto sectors = TRY(read_config_field<std::uint64_t>(transport, field_capacity));
  if (sectors > ~std::uint64_t{0} / blockdev::sector_bytes) return fail(Error::Malformed);
  config.geometry.capacity_bytes = sectors * blockdev::sector_bytes;
  config.geometry.read_only = (features & read_only) != 0;
  if ((features & block_size) != 0) {
    const auto bytes = TRY(read_config_field<std::uint32_t>(transport, field_block_size));
    if (!base::is_power_of_two(bytes) || bytes < blockdev::sector_bytes || bytes > base::page_bytes) {
      return fail(Error::Malformed);
    }
    config.geometry.block_bytes = bytes;
  }
  // 5.2.5.2: with CONFIG_WCE the field tells the mode; without, a device that takes flushes needs them.
  config.geometry.write_cache = (features & flush) != 0;
  if (config.geometry.write_cache && (features & config_write_cache) != 0) {
    config.geometry.write_cache = TRY(read_config_field<std::uint8_t>(transport, field_write_cache)) != 0;
  }
  TRY(read_limits(transport, features, config));
  return config;
}

Result<> BlockConfig::check(const Request& request) const {
  std::uint64_t bytes = 0;
  switch (request.operation) {
    case Operation::Flush:
      return {};
    case Operation::Read:
      bytes = TRY(total_bytes(request.read_into, geometry.max_segments));
      break;
    case Operation::Write:
      if (geometry.read_only) return fail(Error::ReadOnly);
      bytes = TRY(total_bytes(request.write_from, geometry.max_segments));
      break;
    case Operation::Discard:
      if (!geometry.can_discard) return fail(Error::NotSupported);
      if (geometry.read_only) return fail(Error::ReadOnly);
      if (request.discard_sectors > max_discard_sectors) return fail(Error::InvalidArgument);
      bytes = request.discard_sectors * blockdev::sector_bytes;
      break;
    default:
      return fail(Error::InvalidArgument);
  }
  if (request.operation != Operation::Discard && bytes > blockdev::max_request_bytes) {
    return fail(Error::InvalidArgument);
  }
  const std::uint64_t sectors_per_block = geometry.block_bytes / blockdev::sector_bytes;
  if (bytes == 0 || bytes % geometry.block_bytes != 0 || request.first_sector % sectors_per_block != 0) {
    return fail(Error::InvalidArgument);
  }
  const std::uint64_t capacity_sectors = geometry.capacity_bytes / blockdev::sector_bytes;
  const std::uint64_t sectors = bytes / blockdev::sector_bytes;
  if (request.first_sector > capacity_sectors || sectors > capacity_sectors - request.first_sector) {
    return fail(Error::OutOfRange);
  }
  return {};
}

}  // namespace virtio

// SPDX-License-Identifier: Apache-2.0
// The io_manager: see io_channel.h. The library addresses by blocks of a size that it sets (1024 for the superblock,
// then the file system's), or, with a negative count, by bytes; the cache has the file system's blocks throughout.
#include "storage/ext4/io_channel.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "storage/ext4/errors.h"

namespace ext4 {

using base::Error;

namespace {

static_assert(sizeof(BlockCache*) == sizeof(std::uint64_t));

struct Channel : struct_io_channel {
  explicit Channel(BlockCache& blocks) : struct_io_channel{}, cache(blocks) {
    magic = EXT2_ET_MAGIC_IO_CHANNEL;
    manager = cache_io_manager();
    block_size = 1024;
    refcount = 1;
  }
  BlockCache& cache;
};

BlockCache& cache_of(io_channel channel) { return static_cast<Channel*>(channel)->cache; }

errcode_t open_channel(const char* name, int, io_channel* result) {
  std::uint64_t address = 0;
  for (const char* digit = name; *digit != 0; ++digit) address = address << 4 | static_cast<unsigned>(*digit - 'a');
  Channel* channel = base::make<Channel>(*std::bit_cast<BlockCache*>(address)).release();
  if (channel == nullptr) return EXT2_ET_NO_MEMORY;
  *result = channel;
  return 0;
}

errcode_t close_channel(io_channel channel) {
  if (--channel->refcount == 0) base::Own<Channel>(static_cast<Channel*>(channel)).reset();
  return 0;
}

errcode_t set_block_size(io_channel channel, int bytes) {
  channel->block_size = bytes;
  return 0;
}

// Calls piece(block, offset in it, offset in the caller's memory, bytes) for each block that the range touches.
template <typename Piece>
errcode_t for_each_block(io_channel channel, unsigned long long block, int count, const Piece& piece) {
  const std::uint64_t block_bytes = cache_of(channel).block_bytes();
  const auto unit = static_cast<std::uint64_t>(channel->block_size);
  const std::uint64_t wanted = count < 0 ? 0 - static_cast<std::uint64_t>(count)  // as the library means it
                                         : static_cast<std::uint64_t>(count) * unit;
  if (block > cache_of(channel).block_count() * block_bytes / unit) return to_library(Error::OutOfRange);
  for (std::uint64_t done = 0; done < wanted;) {
    const std::uint64_t at = block * unit + done;
    const std::uint64_t bytes = std::min(block_bytes - at % block_bytes, wanted - done);
    if (auto result = piece(at / block_bytes, at % block_bytes, done, bytes); !result)
      return to_library(result.error());
    done += bytes;
  }
  return 0;
}

errcode_t read_blocks(io_channel channel, unsigned long long block, int count, void* data) {
  BlockCache& cache = cache_of(channel);
  return for_each_block(
      channel, block, count,
      [&](std::uint64_t number, std::uint64_t offset, std::uint64_t into, std::uint64_t bytes) -> base::Result<> {
        const BlockRef source = TRY(cache.read(number));
        std::memcpy(static_cast<std::byte*>(data) + into, source.data() + offset, bytes);
        return {};
      });
}

// The library does not look at every result of a write, so a failed one fails the transaction.
errcode_t write_blocks(io_channel channel, unsigned long long block, int count, const void* data) {
  BlockCache& cache = cache_of(channel);
  const errcode_t code = for_each_block(
      channel, block, count,
      [&](std::uint64_t number, std::uint64_t offset, std::uint64_t from, std::uint64_t bytes) -> base::Result<> {
        const BlockRef target = TRY(bytes == cache.block_bytes() ? cache.overwrite(number) : cache.change(number));
        std::memcpy(target.data() + offset, static_cast<const std::byte*>(data) + from, bytes);
        target.set_verified(Verified::No);
        return {};
      });
  if (code != 0 && cache.in_transaction()) cache.fail_transaction(from_library(code));
  return code;
}

errcode_t read_blocks_32(io_channel channel, unsigned long block, int count, void* data) {
  return read_blocks(channel, block, count, data);
}
errcode_t write_blocks_32(io_channel channel, unsigned long block, int count, const void* data) {
  return write_blocks(channel, block, count, data);
}

// Durability is decided above the library.
errcode_t flush_channel(io_channel) { return 0; }

constexpr struct_io_manager make_manager() {
  struct_io_manager manager{};
  manager.magic = EXT2_ET_MAGIC_IO_MANAGER;
  manager.name = "block cache";
  manager.open = open_channel;
  manager.close = close_channel;
  manager.set_blksize = set_block_size;
  manager.read_blk = read_blocks_32;
  manager.write_blk = write_blocks_32;
  manager.flush = flush_channel;
  manager.read_blk64 = read_blocks;
  manager.write_blk64 = write_blocks;
  return manager;
}

constinit struct_io_manager manager_instance = make_manager();

}  // namespace

io_manager cache_io_manager() { return &manager_instance; }

ChannelName channel_name(BlockCache& cache) {
  const auto address = std::bit_cast<std::uint64_t>(&cache);
  ChannelName name{};
  for (std::size_t digit = 0; digit < 16; ++digit)
    name[digit] = static_cast<char>('a' + ((address >> (60 - 4 * digit)) & 0xf));
  return name;
}

}  // namespace ext4

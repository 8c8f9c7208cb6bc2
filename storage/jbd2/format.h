// SPDX-License-Identifier: Apache-2.0
// What a jbd2 journal looks like on the disk: Linux's Documentation/filesystems/ext4/journal.rst. A log of transactions
// in a ring of blocks; each is descriptors with the blocks that they list, revocations, and a commit block at its end.
// All numbers are big-endian, and every block but the logged ones begins with a header.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/base/endian.h"

namespace jbd2 {

using base::be16;
using base::be32;
using base::be64;

inline constexpr std::uint32_t magic = 0xc03b3998;

enum class BlockType : std::uint32_t { Descriptor = 1, Commit = 2, SuperblockV1 = 3, Superblock = 4, Revoke = 5 };

struct Header {
  be32 magic;
  be32 type;
  be32 sequence;
};
static_assert(sizeof(Header) == 12);

namespace compat {
inline constexpr std::uint32_t checksum = 1;  // of a whole transaction, in its commit block ("v1")
}
namespace incompat {
inline constexpr std::uint32_t revoke = 1;
inline constexpr std::uint32_t wide = 2;  // block numbers of 64 bits
inline constexpr std::uint32_t async_commit = 4;
inline constexpr std::uint32_t checksum_v2 = 8;
inline constexpr std::uint32_t checksum_v3 = 16;
inline constexpr std::uint32_t fast_commit = 32;
}  // namespace incompat

inline constexpr std::uint8_t crc32c_type = 4;

struct DiskSuperblock {
  Header header;
  be32 block_bytes;
  be32 blocks;    // of the journal, this one included
  be32 first;     // block of the ring
  be32 sequence;  // the first transaction to expect
  be32 start;     // where it is; 0: nothing to replay
  be32 error;
  be32 feature_compat;
  be32 feature_incompat;
  be32 feature_ro_compat;
  std::uint8_t uuid[16];
  be32 users;
  be32 copy_of_superblock;
  be32 max_transaction;
  be32 max_transaction_data;
  std::uint8_t checksum_type;
  std::uint8_t padding[3];
  be32 fast_commit_blocks;
  be32 reserved[41];
  be32 checksum;
  std::uint8_t user_ids[768];
};
static_assert(sizeof(DiskSuperblock) == 1024);
static_assert(offsetof(DiskSuperblock, uuid) == 0x30 && offsetof(DiskSuperblock, checksum_type) == 0x50 &&
              offsetof(DiskSuperblock, checksum) == 0xfc);

struct DiskTag {
  be32 block;
  be16 checksum;  // the low half, with checksums of version 2
  be16 flags;
  be32 block_high;  // only with wide block numbers
};
struct DiskTag3 {
  be32 block;
  be32 flags;
  be32 block_high;
  be32 checksum;
};
static_assert(sizeof(DiskTag) == 12 && sizeof(DiskTag3) == 16);
inline constexpr std::size_t uuid_bytes = 16;  // behind a tag that is not flagged same_uuid

namespace tag_flags {
inline constexpr std::uint32_t escaped = 1;  // the block began with the magic number, which the log has as zero
inline constexpr std::uint32_t same_uuid = 2;
inline constexpr std::uint32_t last = 8;
}  // namespace tag_flags

struct RevokeHeader {
  Header header;
  be32 bytes;  // used in this block, the header included
};
static_assert(sizeof(RevokeHeader) == 16);

struct DiskCommit {
  Header header;
  std::uint8_t checksum_type;
  std::uint8_t checksum_bytes;
  std::uint8_t padding[2];
  be32 checksum[8];
  be64 seconds;
  be32 nanoseconds;
};
static_assert(sizeof(DiskCommit) == 60);

}  // namespace jbd2

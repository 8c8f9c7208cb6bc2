// SPDX-License-Identifier: Apache-2.0
// The gate in front of the mount: see superblock.h. Field meanings: Linux's Documentation/filesystems/ext4/super.rst.
#include "storage/ext4/superblock.h"

#include <ext2fs/ext2fs.h>

#include <array>
#include <bit>
#include <cstring>
#include <string_view>

#include "kernel/base/array.h"
#include "kernel/base/log.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;

namespace {

// Features that may be there and be changed under. Compatible ones can be ignored by definition; dir_index is dropped
// from a directory when it changes.
constexpr std::uint32_t known_incompat = EXT2_FEATURE_INCOMPAT_FILETYPE | EXT2_FEATURE_INCOMPAT_META_BG |
                                         EXT3_FEATURE_INCOMPAT_EXTENTS | EXT4_FEATURE_INCOMPAT_64BIT |
                                         EXT4_FEATURE_INCOMPAT_FLEX_BG | EXT4_FEATURE_INCOMPAT_CSUM_SEED |
                                         EXT4_FEATURE_INCOMPAT_LARGEDIR | EXT3_FEATURE_INCOMPAT_RECOVER;
constexpr std::uint32_t known_ro_compat = EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE |
                                          EXT4_FEATURE_RO_COMPAT_HUGE_FILE | EXT4_FEATURE_RO_COMPAT_GDT_CSUM |
                                          EXT4_FEATURE_RO_COMPAT_DIR_NLINK | EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE |
                                          EXT4_FEATURE_RO_COMPAT_METADATA_CSUM;

struct FeatureName {
  std::uint32_t bit;
  std::string_view name;
};
constexpr std::array<FeatureName, 8> incompat_names = {{{EXT2_FEATURE_INCOMPAT_COMPRESSION, "compression"},
                                                        {EXT3_FEATURE_INCOMPAT_JOURNAL_DEV, "journal_dev"},
                                                        {EXT4_FEATURE_INCOMPAT_MMP, "mmp"},
                                                        {EXT4_FEATURE_INCOMPAT_EA_INODE, "ea_inode"},
                                                        {EXT4_FEATURE_INCOMPAT_DIRDATA, "dirdata"},
                                                        {EXT4_FEATURE_INCOMPAT_INLINE_DATA, "inline_data"},
                                                        {EXT4_FEATURE_INCOMPAT_ENCRYPT, "encrypt"},
                                                        {EXT4_FEATURE_INCOMPAT_CASEFOLD, "casefold"}}};
constexpr std::array<FeatureName, 9> ro_compat_names = {{{EXT4_FEATURE_RO_COMPAT_HAS_SNAPSHOT, "snapshot"},
                                                         {EXT4_FEATURE_RO_COMPAT_QUOTA, "quota"},
                                                         {EXT4_FEATURE_RO_COMPAT_BIGALLOC, "bigalloc"},
                                                         {EXT4_FEATURE_RO_COMPAT_REPLICA, "replica"},
                                                         {EXT4_FEATURE_RO_COMPAT_READONLY, "read-only"},
                                                         {EXT4_FEATURE_RO_COMPAT_PROJECT, "project"},
                                                         {EXT4_FEATURE_RO_COMPAT_SHARED_BLOCKS, "shared_blocks"},
                                                         {EXT4_FEATURE_RO_COMPAT_VERITY, "verity"},
                                                         {EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT, "orphan_present"}}};

template <std::size_t Count>
void log_features(const std::array<FeatureName, Count>& names, std::uint32_t bits) {
  for (const FeatureName& feature : names)
    if ((bits & feature.bit) != 0) base::log_error("storage", "ext4: feature {} is not supported", feature.name);
  for (const FeatureName& feature : names) bits &= ~feature.bit;
  if (bits != 0) base::log_error("storage", "ext4: unknown features {:x}", bits);
}

Result<> check_features(const ext2_super_block& super) {
  const std::uint32_t incompat = super.s_feature_incompat & ~known_incompat;
  const std::uint32_t ro_compat = super.s_feature_ro_compat & ~known_ro_compat;
  log_features(incompat_names, incompat);
  log_features(ro_compat_names, ro_compat);
  if ((super.s_feature_incompat & EXT2_FEATURE_INCOMPAT_FILETYPE) == 0) {
    base::log_error("storage", "ext4: without feature filetype");
    return fail(Error::NotSupported);
  }
  if (incompat != 0 || ro_compat != 0) return fail(Error::NotSupported);
  return {};
}

base::Failure bad(std::string_view what) {
  base::log_error("storage", "ext4: damaged superblock: {}", what);
  return fail(Error::Malformed);
}

// libext2fs checks some of these, later than it uses others.
Result<> check_numbers(const ext2_super_block& super, std::uint32_t block_bytes, std::uint64_t block_count,
                       std::uint64_t capacity) {
  const std::uint64_t group_bits = std::uint64_t{block_bytes} * 8;
  if (super.s_first_data_block != (block_bytes == 1024 ? 1u : 0u)) return bad("first data block");
  if (block_count <= super.s_first_data_block + 8 || block_count > capacity / block_bytes) return bad("size");
  if (super.s_blocks_per_group < 8 || super.s_blocks_per_group > group_bits || super.s_blocks_per_group % 8 != 0)
    return bad("blocks per group");
  if (super.s_log_cluster_size != super.s_log_block_size || super.s_clusters_per_group != super.s_blocks_per_group)
    return bad("cluster size");
  if (super.s_inodes_per_group < 8 || super.s_inodes_per_group > group_bits || super.s_inodes_per_group % 8 != 0)
    return bad("inodes per group");
  if (super.s_inode_size < 128 || super.s_inode_size > block_bytes || !std::has_single_bit(super.s_inode_size))
    return bad("inode size");
  const std::uint64_t groups =
      (block_count - super.s_first_data_block + super.s_blocks_per_group - 1) / super.s_blocks_per_group;
  if (groups * super.s_inodes_per_group != super.s_inodes_count) return bad("inode count");
  if (super.s_first_ino < 11 || super.s_first_ino > super.s_inodes_per_group) return bad("first inode");
  if (super.s_reserved_gdt_blocks > block_bytes / 4) return bad("reserved descriptors");
  if ((super.s_feature_incompat & EXT4_FEATURE_INCOMPAT_64BIT) != 0 && super.s_desc_size != 64)
    return bad("descriptor size");
  if ((super.s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_METADATA_CSUM) != 0 &&
      (super.s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_GDT_CSUM) != 0)
    return bad("two kinds of checksums");
  return {};
}

}  // namespace

Result<> read_start(storage::BlockStore& store, base::Array<std::byte>& start) {
  TRY(start.resize(4096));
  if (store.capacity_bytes() < start.size()) return bad("disk too small");
  const storage::ReadSegment segment{0, start.span()};
  return store.read({&segment, 1});
}

Result<Shape> inspect_superblock(storage::BlockStore& store) {
  static_assert(sizeof(ext2_super_block) == SUPERBLOCK_SIZE);
  base::Array<std::byte> start;
  TRY(read_start(store, start));
  ext2_super_block super;
  std::memcpy(&super, start.data() + SUPERBLOCK_OFFSET, sizeof(super));
  if (super.s_magic != EXT2_SUPER_MAGIC) {
    base::log_error("storage", "the disk holds no ext4 file system");
    return fail(Error::Malformed);
  }
  if (super.s_rev_level != EXT2_DYNAMIC_REV || super.s_creator_os != EXT2_OS_LINUX) {
    base::log_error("storage", "ext4: revision {} of system {}", super.s_rev_level, super.s_creator_os);
    return fail(Error::NotSupported);
  }
  TRY(check_features(super));
  if (super.s_log_block_size > 2) {
    base::log_error("storage", "ext4: blocks of more than 4096 bytes are not supported");
    return fail(Error::NotSupported);
  }
  Shape shape;
  shape.block_bytes = 1024u << super.s_log_block_size;
  shape.block_count = super.s_blocks_count;
  if ((super.s_feature_incompat & EXT4_FEATURE_INCOMPAT_64BIT) != 0)
    shape.block_count |= std::uint64_t{super.s_blocks_count_hi} << 32;
  if (shape.block_bytes % store.sector_bytes() != 0) return bad("block size");
  TRY(check_numbers(super, shape.block_bytes, shape.block_count, store.capacity_bytes()));
  shape.needs_recovery = (super.s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER) != 0;
  shape.clean = (super.s_state & EXT2_VALID_FS) != 0 && (super.s_state & EXT2_ERROR_FS) == 0;
  return shape;
}

}  // namespace ext4

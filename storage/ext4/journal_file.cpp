// SPDX-License-Identifier: Apache-2.0
// Finding and replaying the journal: see journal_file.h. Before the replay nothing on the disk but the superblock and
// the journal's own inode can be relied on, and checksums may not match what they are of.
#include "storage/ext4/journal_file.h"

#include <string_view>

#include "kernel/base/log.h"
#include "storage/ext4/errors.h"
#include "storage/ext4/io_channel.h"
#include "storage/jbd2/recovery.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;

namespace {

constexpr std::size_t cache_blocks = 64;

base::Failure bad(std::string_view what) {
  base::log_error("storage", "ext4: damaged journal: {}", what);
  return fail(Error::Malformed);
}

// Collects the blocks of the journal's file.
class Collector {
 public:
  Collector(ext2_filsys fs, jbd2::LogFile& file, const SystemZone* zone) : fs_(fs), file_(file), zone_(zone) {}
  Result<> run(std::uint32_t number, ext2_inode& inode) {
    return (inode.i_flags & EXT4_EXTENTS_FL) != 0 ? run_extents(number, inode) : run_mapped(number, inode);
  }

 private:
  Result<> append(std::uint64_t logical, std::uint64_t first, std::uint64_t count) {
    const std::uint64_t blocks = ext2fs_blocks_count(fs_->super);
    if (logical != file_.file_blocks()) return bad("a hole in its file");
    if (count == 0 || first <= fs_->super->s_first_data_block || first >= blocks || count > blocks - first)
      return bad("its blocks");
    if (zone_ != nullptr && !zone_->is_data(first, count)) return bad("it lies in the file system's own blocks");
    return file_.append(first, count);
  }

  Result<> run_extents(std::uint32_t number, ext2_inode& inode) {
    ext2_extent_handle_t handle = nullptr;
    TRY(check(ext2fs_extent_open2(fs_, number, &inode, &handle)));
    Result<> result;
    ext2fs_extent extent{};
    for (int step = EXT2_EXTENT_ROOT; result; step = EXT2_EXTENT_NEXT) {
      const errcode_t code = ext2fs_extent_get(handle, step, &extent);
      if (code == EXT2_ET_EXTENT_NO_NEXT) break;
      result = check(code);
      if (!result || (extent.e_flags & EXT2_EXTENT_FLAGS_LEAF) == 0) continue;
      if ((extent.e_flags & EXT2_EXTENT_FLAGS_UNINIT) != 0) result = bad("blocks that were never written");
      if (result) result = append(extent.e_lblk, extent.e_pblk, extent.e_len);
    }
    ext2fs_extent_free(handle);
    return result;
  }

  Result<> run_mapped(std::uint32_t number, ext2_inode& inode) {
    const std::uint64_t count = EXT2_I_SIZE(&inode) / fs_->blocksize;
    for (std::uint64_t logical = 0; logical < count; ++logical) {
      blk64_t block = 0;
      TRY(check(ext2fs_bmap2(fs_, number, &inode, nullptr, 0, logical, nullptr, &block)));
      TRY(append(logical, block, 1));
    }
    return {};
  }

  ext2_filsys fs_;
  jbd2::LogFile& file_;
  const SystemZone* zone_;
};

// The library's view of an image for the time of a recovery.
class EarlyLibrary {
 public:
  EarlyLibrary(storage::BlockStore& store, const Shape& shape)
      : cache_(store, shape.block_bytes, shape.block_count, cache_blocks) {}
  EarlyLibrary(const EarlyLibrary&) = delete;
  EarlyLibrary& operator=(const EarlyLibrary&) = delete;
  ~EarlyLibrary() {
    if (fs_ != nullptr) ext2fs_free(fs_);
  }
  Result<ext2_filsys> open() {
    TRY(cache_.initialize());
    const ChannelName name = channel_name(cache_);
    constexpr int flags = EXT2_FLAG_64BITS | EXT2_FLAG_IGNORE_CSUM_ERRORS;
    TRY(check(ext2fs_open2(name.data(), nullptr, flags, 0, 0, cache_io_manager(), &fs_)));
    return fs_;
  }

 private:
  BlockCache cache_;
  ext2_filsys fs_ = nullptr;
};

}  // namespace

Result<jbd2::LogFile> open_journal_file(ext2_filsys fs, storage::BlockStore& store, const SystemZone* zone) {
  const std::uint32_t number = fs->super->s_journal_inum;
  if (number == 0) {
    base::log_error("storage", "ext4: a journal on another disk is not supported");
    return fail(Error::NotSupported);
  }
  if (number > fs->super->s_inodes_count) return bad("its inode");
  ext2_inode inode{};
  TRY(check(ext2fs_read_inode(fs, number, &inode)));
  if (!LINUX_S_ISREG(inode.i_mode) || inode.i_links_count == 0) return bad("its inode");
  jbd2::LogFile file(store, fs->blocksize);
  TRY(Collector(fs, file, zone).run(number, inode));
  TRY(file.load());
  return file;
}

Result<> recover_journal(storage::BlockStore& store, const Shape& shape) {
  if (store.read_only()) {
    base::log_error("storage", "ext4: the journal needs recovery, and the disk is read-only");
    return fail(Error::ReadOnly);
  }
  EarlyLibrary library(store, shape);
  const ext2_filsys fs = TRY(library.open());
  jbd2::LogFile file = TRY(open_journal_file(fs, store, nullptr));
  const jbd2::Recovered recovered = TRY(jbd2::recover(file, shape.block_count));
  TRY(change_superblock(store, [fs](ext2_super_block& super) {
    super.s_feature_incompat &= ~static_cast<std::uint32_t>(EXT3_FEATURE_INCOMPAT_RECOVER);
    ext2fs_superblock_csum_set(fs, &super);
  }));
  base::log_info("storage", "ext4: journal replayed: {} transactions, {} blocks, {} revoked", recovered.transactions,
                 recovered.blocks, recovered.revokes);
  return {};
}

}  // namespace ext4

// SPDX-License-Identifier: Apache-2.0
// An open ext4 image: libext2fs's view of it, the block cache under it, its allocator and inodes, and the transaction
// that ties their changes together. No knowledge of files or directories.
#pragma once

#include <ext2fs/ext2fs.h>

#include <cstddef>
#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/base/memory.h"
#include "storage/block_store.h"
#include "storage/ext4/allocator.h"
#include "storage/ext4/block_cache.h"
#include "storage/ext4/inode_table.h"
#include "storage/ext4/journal.h"
#include "storage/ext4/orphans.h"
#include "storage/ext4/superblock.h"
#include "storage/file_system.h"
#include "storage/flush_tracker.h"

namespace ext4 {

struct MountOptions {
  std::size_t cache_blocks = 4096;
  std::uint32_t first_generation = 1;  // of new files; drawn at random, so that ids do not come back after a restart
  std::uint64_t hash_seed = 0;         // drawn at random
  bool read_only = false;
};

class Volume {
 public:
  // Logs why, if it refuses. Errors: as inspect_superblock(), and those of reading.
  static base::Result<base::Own<Volume>> open(storage::BlockStore& store, const MountOptions& options);
  Volume(storage::BlockStore& store, const MountOptions& options, const Shape& shape);
  Volume(const Volume&) = delete;
  Volume& operator=(const Volume&) = delete;
  ~Volume();

  ext2_filsys library() const { return fs_; }
  ext2_super_block& super() const { return *fs_->super; }
  BlockCache& cache() { return cache_; }
  Allocator& allocator() { return *allocator_; }
  InodeTable& inodes() { return *inodes_; }
  Orphans& orphans() { return orphans_; }
  storage::BlockStore& store() { return cache_.store(); }
  const MountOptions& options() const { return options_; }

  std::uint32_t block_bytes() const { return cache_.block_bytes(); }
  bool read_only() const { return options_.read_only; }
  bool has_checksums() const { return ext2fs_has_feature_metadata_csum(fs_->super) != 0; }
  // Seeds the checksums of an inode's own blocks.
  std::uint32_t checksum_seed(const Inode& inode) const;
  // Blocks that are not for files: the file system's own and the journal's.
  std::uint64_t overhead_blocks() const { return overhead_blocks_; }

  // Before the first change and after the last one. In between the superblock says that the image is in use, or, with
  // a journal, that it needs recovery.
  base::Result<> start(storage::Time now);
  base::Result<> stop();
  // Everything that was changed is on the disk when it returns.
  base::Result<> sync();
  // For a periodic timer: what was changed is on its way.
  base::Result<> write_back();
  // How many pieces of a file may be freed in one transaction: each may change bitmaps of its own.
  std::size_t extents_per_step() const;
  // Of this mount; zero without a journal.
  jbd2::LogCounters journal_counters() const { return journal_ ? journal_->counters() : ended_journal_; }

 private:
  friend class Transaction;

  base::Result<> open_library();
  base::Result<> count_overhead();
  base::Result<> write_super();
  void begin(const storage::Request& request);
  base::Result<> commit();
  base::Result<> prepare();
  void abort();

  MountOptions options_;
  storage::FlushTracker store_;
  BlockCache cache_;
  ext2_filsys fs_ = nullptr;
  base::Own<Allocator> allocator_;
  base::Own<InodeTable> inodes_;
  Orphans orphans_{*this};
  base::Own<Journal> journal_;
  jbd2::LogCounters ended_journal_;
  storage::Time now_ = 0;
  ext2_super_block committed_super_{};
  std::uint16_t state_at_mount_ = 0;
  std::uint64_t overhead_blocks_ = 0;
};

// What one operation changes: everything at commit(), or nothing if it is destroyed before. To be declared ahead of the
// operation's references to blocks and inodes, which must be gone when it ends. Not nested.
class Transaction {
 public:
  Transaction(Volume& volume, const storage::Request& request) : volume_(volume) { volume_.begin(request); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (open_) volume_.abort();
  }
  base::Result<> commit() {
    auto result = volume_.commit();
    if (result) open_ = false;
    return result;
  }

 private:
  Volume& volume_;
  bool open_ = true;
};

}  // namespace ext4

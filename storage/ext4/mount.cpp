// SPDX-License-Identifier: Apache-2.0
// Mounting, unmounting and what concerns the whole file system: see file_system.h.
#include <algorithm>

#include "kernel/base/log.h"
#include "storage/ext4/attributes.h"
#include "storage/ext4/file_map.h"
#include "storage/ext4/file_system.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;

Result<base::Own<FileSystem>> FileSystem::mount(storage::BlockStore& store, const MountOptions& options,
                                                storage::Time now) {
  base::Own<Volume> volume = TRY(Volume::open(store, options));
  base::Own<FileSystem> system = TRY(base::try_make<FileSystem>(std::move(volume)));
  {
    const InodeRef root = TRY(system->volume_->inodes().get(EXT2_ROOT_INO));
    if (!root->is_directory() || root->links() == 0) return fail(Error::Malformed);
    system->root_ = root->id();
  }
  if (!system->read_only()) {
    TRY(system->volume_->start(now));
    TRY(system->process_orphans(now));
  }
  return system;
}

// What the last mount left to do.
Result<> FileSystem::process_orphans(storage::Time now) {
  if (volume_->super().s_last_orphan == 0) return {};
  {
    Transaction transaction(*volume_, {.now = now});
    TRY(volume_->orphans().load());
    TRY(transaction.commit());
  }
  base::Array<std::uint32_t> numbers;
  TRY(numbers.append(volume_->orphans().list()));
  for (const std::uint32_t number : numbers)
    if (auto result = free_left_over(number, {.now = now}); !result)
      base::log_warning("storage", "ext4: orphan inode {}: {}", number, base::error_name(result.error()));
  base::log_info("storage", "ext4: {} orphans of the last mount freed", numbers.size() - volume_->orphans().count());
  return {};
}

Result<storage::Statistics> FileSystem::statistics() {
  const ext2_super_block& super = volume_->super();
  storage::Statistics statistics;
  statistics.block_bytes = volume_->block_bytes();
  const std::uint64_t all = ext2fs_blocks_count(volume_->library()->super);
  const std::uint64_t reserved =
      ext2fs_r_blocks_count(volume_->library()->super) + volume_->allocator().kept_for_trees();
  statistics.blocks = all - std::min(all, volume_->overhead_blocks());
  statistics.blocks_free = ext2fs_free_blocks_count(volume_->library()->super);
  statistics.blocks_available = statistics.blocks_free - std::min(statistics.blocks_free, reserved);
  statistics.inodes = super.s_inodes_count;
  statistics.inodes_free = super.s_free_inodes_count;
  statistics.type = EXT2_SUPER_MAGIC;
  static_assert(sizeof(super.s_uuid) == 16);
  for (std::size_t i = 0; i < sizeof(super.s_uuid); ++i) statistics.id ^= std::uint64_t{super.s_uuid[i]} << (i % 8 * 8);
  return statistics;
}

// Data goes to the store as it is written; what is left is metadata, whoever's it is.
Result<> FileSystem::sync(base::FileId file, storage::SyncScope) {
  if (file) TRY(volume_->inodes().find(file));
  return volume_->sync();
}

Result<> FileSystem::write_back() { return volume_->write_back(); }

void FileSystem::for_each_counter(CounterVisitor visit, void* context) {
  const CacheCounters& cache = volume_->cache().counters();
  visit(context, "storage.cache_hits", cache.hits);
  visit(context, "storage.cache_reads", cache.reads);
  visit(context, "storage.cache_writes", cache.writes);
  visit(context, "storage.cache_dirty", volume_->cache().dirty_blocks());
  visit(context, "storage.commits", cache.commits);
  visit(context, "storage.aborts", cache.aborts);
  visit(context, "storage.orphans", volume_->orphans().count());
  const jbd2::LogCounters journal = volume_->journal_counters();
  visit(context, "journal.commits", journal.commits);
  visit(context, "journal.blocks", journal.blocks);
  visit(context, "journal.revokes", journal.revokes);
  visit(context, "journal.checkpoints", journal.clears);
}

Result<> FileSystem::unmount() {
  if (read_only()) return {};
  TRY(release_all({.now = std::int64_t{volume_->super().s_wtime} * 1000000000}));
  return volume_->stop();
}

}  // namespace ext4

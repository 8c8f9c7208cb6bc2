// SPDX-License-Identifier: Apache-2.0
// Opening an image, and its transactions: see volume.h.
#include "storage/ext4/volume.h"

#include <algorithm>
#include <cstring>

#include "kernel/base/log.h"
#include "storage/ext4/checksum.h"
#include "storage/ext4/errors.h"
#include "storage/ext4/io_channel.h"
#include "storage/ext4/journal_file.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;

namespace {

// The library cannot always say that memory is short, so an operation starts only when there is some.
constexpr std::size_t memory_per_operation = 256 * 1024;

bool memory_is_short() {
  void* probe = base::platform::allocate(memory_per_operation);
  base::platform::deallocate(probe);
  return probe == nullptr;
}

}  // namespace

Volume::Volume(storage::BlockStore& store, const MountOptions& options, const Shape& shape)
    : options_(options), store_(store), cache_(store_, shape.block_bytes, shape.block_count, options.cache_blocks) {}

Volume::~Volume() {
  journal_.reset();
  inodes_.reset();
  allocator_.reset();
  if (fs_ != nullptr) ext2fs_free(fs_);
}

Result<base::Own<Volume>> Volume::open(storage::BlockStore& store, const MountOptions& options) {
  Shape shape = TRY(inspect_superblock(store));
  if (shape.needs_recovery) {
    TRY(recover_journal(store, shape));
    shape = TRY(inspect_superblock(store));
  }
  base::Own<Volume> volume = TRY(base::try_make<Volume>(store, options, shape));
  volume->options_.read_only |= store.read_only();
  if (!shape.clean) base::log_warning("storage", "ext4: the image was not unmounted in order; run e2fsck on it");
  if (auto result = volume->open_library(); !result) {
    base::log_error("storage", "ext4: cannot mount: {}", base::error_name(result.error()));
    return fail(result.error());
  }
  return volume;
}

Result<> Volume::open_library() {
  TRY(cache_.initialize());
  const ChannelName name = channel_name(cache_);
  const int flags = EXT2_FLAG_64BITS | (options_.read_only ? 0 : EXT2_FLAG_RW);
  TRY(check(ext2fs_open2(name.data(), nullptr, flags, 0, 0, cache_io_manager(), &fs_)));
  for (dgrp_t group = 0; group < fs_->group_desc_count; ++group)
    if (!ext2fs_group_desc_csum_verify(fs_, group)) return fail(Error::Malformed);
  allocator_ = TRY(base::try_make<Allocator>(fs_, cache_));
  TRY(allocator_->initialize());
  inodes_ = TRY(base::try_make<InodeTable>(fs_, *allocator_, options_.first_generation));
  TRY(inodes_->initialize());
  committed_super_ = *fs_->super;
  state_at_mount_ = fs_->super->s_state;
  return count_overhead();
}

Result<> Volume::count_overhead() {
  overhead_blocks_ = allocator_->system_zone().blocks() + super().s_first_data_block;
  if (!ext2fs_has_feature_journal(fs_->super) || super().s_journal_inum == 0) return {};
  ext2_inode journal{};
  TRY(check(ext2fs_read_inode(fs_, super().s_journal_inum, &journal)));
  overhead_blocks_ += journal.i_blocks / (block_bytes() / 512);
  return {};
}

std::uint32_t Volume::checksum_seed(const Inode& inode) const {
  const std::uint32_t words[2] = {inode.number(), inode.disk.i_generation};
  return checksum(fs_->csum_seed, std::as_bytes(std::span(words)));
}

void Volume::begin(const storage::Request& request) {
  now_ = request.now;
  fs_->now = request.now / 1000000000;
  inodes_->trim();
  cache_.begin();
  allocator_->begin(request.may_use_reserve ? 0 : ext2fs_r_blocks_count(fs_->super));
  if (read_only()) cache_.fail_transaction(Error::ReadOnly);
  if (memory_is_short()) cache_.fail_transaction(Error::NoMemory);
}

// The superblock joins last; from then on nothing can fail.
Result<> Volume::prepare() {
  TRY(inodes_->prepare());
  TRY(allocator_->prepare());
  TRY(cache_.change(super().s_first_data_block));
  if (cache_.transaction_error() != Error::None) return fail(cache_.transaction_error());
  return {};
}

Result<> Volume::commit() {
  if (cache_.transaction_error() != Error::None) return fail(cache_.transaction_error());
  TRY(prepare());
  if (journal_) TRY(journal_->admit());
  allocator_->commit();
  if (fs_->now > 0) super().s_wtime = static_cast<std::uint32_t>(fs_->now);
  ext2fs_superblock_csum_set(fs_, fs_->super);
  committed_super_ = *fs_->super;
  const std::size_t offset = block_bytes() == 1024 ? 0 : SUPERBLOCK_OFFSET;
  const BlockRef block = *cache_.change(super().s_first_data_block);
  std::memcpy(block.data() + offset, fs_->super, SUPERBLOCK_SIZE);
  inodes_->commit();
  orphans_.commit();
  cache_.commit();
  if (journal_) journal_->join(now_);
  return {};
}

void Volume::abort() {
  cache_.abort();
  allocator_->abort();
  inodes_->abort();
  orphans_.abort();
  *fs_->super = committed_super_;
}

// In its place at once.
Result<> Volume::write_super() {
  {
    Transaction transaction(*this, {.now = std::int64_t{super().s_wtime} * 1000000000});
    TRY(transaction.commit());
  }
  TRY(cache_.write_back());
  return cache_.flush();
}

Result<> Volume::start(storage::Time now) {
  base::Own<Journal> journal;
  if (ext2fs_has_feature_journal(fs_->super)) {
    jbd2::LogFile file = TRY(open_journal_file(fs_, store_, &allocator_->system_zone()));
    const jbd2::Log::Wanted wanted{.checksums = has_checksums(), .wide = ext2fs_has_feature_64bit(fs_->super) != 0};
    base::Own<jbd2::Log> log = TRY(jbd2::Log::open(std::move(file), wanted));
    journal = TRY(base::try_make<Journal>(std::move(log), cache_, *allocator_));
    ext2fs_set_feature_journal_needs_recovery(fs_->super);
  } else {
    super().s_state &= static_cast<std::uint16_t>(~EXT2_VALID_FS);
  }
  super().s_mtime = static_cast<std::uint32_t>(now / 1000000000);
  ++super().s_mnt_count;
  TRY(write_super());
  journal_ = std::move(journal);
  if (journal_) journal_->start();
  return {};
}

// An image that was not clean when it was mounted is not made so by unmounting it. Whatever comes of the last write, no
// change may follow it, for that would be without a journal.
Result<> Volume::stop() {
  TRY(sync());
  if (journal_) {
    TRY(journal_->checkpoint());
    journal_->stop();
    ended_journal_ = journal_->counters();
    journal_.reset();
    ext2fs_clear_feature_journal_needs_recovery(fs_->super);
  }
  super().s_state = state_at_mount_;
  auto result = write_super();
  options_.read_only = true;
  return result;
}

Result<> Volume::sync() {
  if (!journal_) {
    TRY(cache_.write_back());
    return cache_.flush();
  }
  TRY(journal_->commit());
  TRY(cache_.flush());
  // The log has it. Those who read a disk without its journal, as debugfs does, are to find it too.
  return cache_.write_back();
}

std::size_t Volume::extents_per_step() const {
  constexpr std::uint64_t least = 16, most = 4096, share = 16;
  return journal_ ? std::clamp(journal_->capacity() / share, least, most) : most;
}

Result<> Volume::write_back() { return journal_ ? journal_->write_back() : cache_.write_back(); }

}  // namespace ext4

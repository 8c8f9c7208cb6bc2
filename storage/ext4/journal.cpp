// SPDX-License-Identifier: Apache-2.0
// Gathering, committing and checkpointing: see journal.h.
#include "storage/ext4/journal.h"

#include "kernel/base/log.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;

namespace {
constexpr std::uint64_t running_share = 4;  // of the log and of the cache: one part in so many, then it is committed
constexpr std::uint64_t full_share = 2;     // of the log: one part in so many, then a timer makes it free
}  // namespace

void Journal::start() {
  cache_.set_journaled(true);
  allocator_.keep_freed(this);
}

void Journal::stop() {
  LEGO_ASSERT(cache_.running_blocks() == 0);
  cache_.set_journaled(false);
  allocator_.keep_freed(nullptr);
}

bool Journal::fits(std::size_t blocks) const {
  return log_->space_for(blocks, revokes_.size() + operation_.size()) <= log_->free_blocks();
}

bool Journal::is_large(std::size_t blocks) const {
  return blocks > log_->capacity() / running_share || blocks > cache_.capacity() / running_share;
}

// What the operation frees and the log has.
Result<> Journal::find_revokes() {
  operation_.clear();
  Result<> result;
  const auto add = [&](std::uint64_t block) {
    if (result) result = operation_.push_back(block);
  };
  for (const BlockRange& range : allocator_.freed()) {
    if (range.count > log_->held()) {
      log_->for_each_held([&](std::uint64_t block) {
        if (block - range.first < range.count) add(block);
      });
      continue;
    }
    for (std::uint64_t block = range.first; block < range.end(); ++block)
      if (log_->holds(block)) add(block);
  }
  return result;
}

Result<> Journal::admit() {
  TRY(find_revokes());
  const std::size_t together = cache_.running_after_commit();
  if (cache_.running_blocks() > 0 && (is_large(together) || !fits(together))) {
    TRY(commit());
    TRY(find_revokes());
  }
  if (!fits(cache_.running_after_commit())) {
    TRY(commit());
    TRY(checkpoint());
    TRY(find_revokes());
    if (!fits(cache_.running_after_commit())) {
      base::log_error("storage", "ext4: an operation on {} blocks does not fit into a journal of {}",
                      cache_.running_after_commit(), log_->capacity());
      return fail(Error::NoSpace);
    }
  }
  return revokes_.reserve(revokes_.size() + operation_.size());
}

void Journal::join(std::int64_t now) {
  if (now > now_) now_ = now;
  for (const std::uint64_t block : operation_) {
    (void)revokes_.push_back(block);  // there is room
    log_->revoked(block);
  }
  operation_.clear();
}

Result<> Journal::commit() {
  if (cache_.running_blocks() == 0) return {};
  base::Array<jbd2::Log::Block> blocks;
  TRY(blocks.reserve(cache_.running_blocks()));
  cache_.for_each_running([&](std::uint64_t number, const std::byte* data) {
    (void)blocks.push_back({number, data});  // there is room
  });
  TRY(log_->commit(blocks.span(), revokes_.span(), now_));
  revokes_.clear();
  cache_.running_is_logged();
  allocator_.release_kept();
  return {};
}

Result<> Journal::checkpoint() {
  LEGO_ASSERT(cache_.running_blocks() == 0);
  TRY(cache_.write_back());
  TRY(cache_.flush());
  return log_->clear();
}

Result<> Journal::write_back() {
  TRY(commit());
  return log_->free_blocks() < log_->capacity() / full_share ? checkpoint() : Result<>{};
}

}  // namespace ext4

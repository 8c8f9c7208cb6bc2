// SPDX-License-Identifier: Apache-2.0
// The metadata cache: see block_cache.h.
#include "storage/ext4/block_cache.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;

namespace {
constexpr std::size_t batch_blocks = 64;  // transfers handed to the store at once
}

BlockCache::BlockCache(storage::BlockStore& store, std::uint32_t block_bytes, std::uint64_t block_count,
                       std::size_t capacity)
    : store_(store), block_bytes_(block_bytes), block_count_(block_count), capacity_(capacity), memory_(block_bytes) {}

BlockCache::~BlockCache() {
  running_is_logged();
  changed_.clear();
  while (!lru_.empty()) drop(lru_.front());
}

Result<> BlockCache::initialize() {
  TRY(buckets_.initialize(std::bit_ceil(std::max<std::size_t>(capacity_, 16))));
  table_ = TRY(base::try_make<Table>(Table::bucket_traits(buckets_.data(), buckets_.size())));
  return {};
}

BlockCache::Block* BlockCache::find(std::uint64_t number) {
  const auto found = table_->find(number);
  if (found == table_->end()) return nullptr;
  lru_.splice(lru_.end(), lru_, lru_.iterator_to(*found));
  return &*found;
}

bool BlockCache::evict_one() {
  for (Block& block : lru_) {
    if (block.pins != 0 || block.dirty || block.changed) continue;
    drop(block);
    return true;
  }
  return false;
}

// Beyond the capacity only if everything is in use by the transaction under way.
Result<> BlockCache::make_room() {
  if (lru_.size() < capacity_) return {};
  if (dirty_count_ > capacity_ / 2) TRY(write_back());
  if (evict_one() || dirty_count_ == 0) return {};
  TRY(write_back());
  evict_one();
  return {};
}

Result<BlockCache::Block*> BlockCache::add(std::uint64_t number) {
  TRY(make_room());
  base::Own<Block> block = TRY(base::try_make<Block>(number));
  block->data = memory_.allocate();
  if (block->data == nullptr) return fail(Error::NoMemory);
  Block* added = block.release();
  lru_.push_back(*added);
  table_->insert(*added);
  return added;
}

void BlockCache::drop(Block& block) {
  set_running(block, false);
  set_dirty(block, false);
  lru_.erase(lru_.iterator_to(block));
  table_->erase(table_->iterator_to(block));
  memory_.free(block.data);
  memory_.free(block.before);
  base::Own<Block>(&block).reset();
}

Result<BlockCache::Block*> BlockCache::load(std::uint64_t number) {
  if (number >= block_count_) return fail(Error::OutOfRange);
  if (Block* block = find(number)) {
    ++counters_.hits;
    return block;
  }
  Block* block = TRY(add(number));
  const storage::ReadSegment segment{number * block_bytes_, {block->data, block_bytes_}};
  if (auto result = store_.read({&segment, 1}); !result) {
    drop(*block);
    return fail(result.error());
  }
  ++counters_.reads;
  return block;
}

Result<BlockRef> BlockCache::read(std::uint64_t number) { return BlockRef(*TRY(load(number))); }

Result<> BlockCache::join_transaction(Block& block) {
  block.forgotten = false;
  if (block.changed) return {};
  if (!in_transaction_) return fail(Error::ReadOnly);
  if (block.dirty) {
    block.before = memory_.allocate();
    if (block.before == nullptr) return fail(Error::NoMemory);
    std::memcpy(block.before, block.data, block_bytes_);
  }
  block.changed = true;
  changed_.push_back(block);
  return {};
}

Result<BlockRef> BlockCache::change(std::uint64_t number) {
  Block* block = TRY(load(number));
  TRY(join_transaction(*block));
  return BlockRef(*block);
}

Result<BlockRef> BlockCache::overwrite(std::uint64_t number) {
  if (number >= block_count_) return fail(Error::OutOfRange);
  Block* block = find(number);
  if (block == nullptr) block = TRY(add(number));
  const bool was_changed = block->changed && !block->forgotten;
  if (auto result = join_transaction(*block); !result) {
    if (!block->dirty) drop(*block);  // may be new, without contents
    return fail(result.error());
  }
  if (!was_changed) std::memset(block->data, 0, block_bytes_);
  block->verified = Verified::No;
  return BlockRef(*block);
}

void BlockCache::forget_block(Block& block) {
  if (auto result = join_transaction(block); !result)
    fail_transaction(result.error());
  else
    block.forgotten = true;
}

void BlockCache::forget(std::uint64_t first, std::uint64_t count) {
  if (count <= lru_.size()) {
    for (std::uint64_t number = first; number < first + count; ++number)
      if (Block* block = find(number)) forget_block(*block);
    return;
  }
  for (Block& block : lru_)
    if (block.number - first < count) forget_block(block);
}

void BlockCache::prefetch(std::span<const std::uint64_t> numbers) {
  std::array<storage::ReadSegment, batch_blocks> segments;
  std::array<Block*, batch_blocks> blocks;
  std::size_t count = 0;
  const auto read_batch = [&] {
    const bool good = count == 0 || store_.read({segments.data(), count}).has_value();
    for (std::size_t i = 0; i < count; ++i) {
      --blocks[i]->pins;
      if (!good) drop(*blocks[i]);
    }
    if (good) counters_.reads += count;
    count = 0;
  };
  for (const std::uint64_t number : numbers) {
    if (number >= block_count_ || find(number) != nullptr) continue;
    const auto block = add(number);
    if (!block) break;
    ++(*block)->pins;  // making room for the next one must not take it
    blocks[count] = *block;
    segments[count++] = {number * block_bytes_, {(*block)->data, block_bytes_}};
    if (count == batch_blocks) read_batch();
  }
  read_batch();
}

void BlockCache::begin() {
  LEGO_ASSERT(!in_transaction_ && changed_.empty());
  in_transaction_ = true;
  transaction_error_ = Error::None;
}

void BlockCache::fail_transaction(Error error) {
  if (transaction_error_ == Error::None) transaction_error_ = error;
}

void BlockCache::set_dirty(Block& block, bool dirty) {
  if (block.dirty == dirty) return;
  block.dirty = dirty;
  dirty ? ++dirty_count_ : --dirty_count_;
}

void BlockCache::set_running(Block& block, bool running) {
  if (block.running == running) return;
  block.running = running;
  running ? running_.push_back(block) : (void)running_.erase(running_.iterator_to(block));
}

std::size_t BlockCache::running_after_commit() const {
  std::size_t count = running_.size();
  for (const Block& block : changed_) {
    if (block.forgotten == block.running) block.forgotten ? --count : ++count;
  }
  return count;
}

void BlockCache::running_is_logged() {
  while (!running_.empty()) set_running(running_.front(), false);
}

void BlockCache::commit() {
  LEGO_ASSERT(in_transaction_ && transaction_error_ == Error::None);
  while (!changed_.empty()) {
    Block& block = changed_.front();
    changed_.pop_front();
    memory_.free(std::exchange(block.before, nullptr));
    block.changed = false;
    if (block.forgotten) {
      LEGO_ASSERT(block.pins == 0);
      drop(block);
    } else {
      set_dirty(block, true);
      if (journaled_) set_running(block, true);
    }
  }
  in_transaction_ = false;
  ++counters_.commits;
}

void BlockCache::undo(Block& block) {
  block.changed = false;
  block.forgotten = false;
  block.verified = Verified::No;
  if (block.before != nullptr) {
    std::memcpy(block.data, block.before, block_bytes_);
    memory_.free(std::exchange(block.before, nullptr));
  } else {
    LEGO_ASSERT(block.pins == 0);
    drop(block);  // the disk has what it was
  }
}

void BlockCache::abort() {
  LEGO_ASSERT(in_transaction_);
  while (!changed_.empty()) {
    Block& block = changed_.front();
    changed_.pop_front();
    undo(block);
  }
  in_transaction_ = false;
  ++counters_.aborts;
}

// Blocks that the transaction under way has changed on top of a committed state are written as committed.
Result<> BlockCache::write_back() {
  std::array<Block*, batch_blocks> batch;
  std::size_t count = 0;
  for (Block& block : lru_) {
    if (!block.dirty || block.running) continue;
    batch[count++] = &block;
    if (count == batch.size()) {
      TRY(write_batch({batch.data(), count}));
      count = 0;
    }
  }
  return write_batch({batch.data(), count});
}

Result<> BlockCache::write_batch(std::span<Block*> batch) {
  if (batch.empty()) return {};
  std::sort(batch.begin(), batch.end(), [](const Block* a, const Block* b) { return a->number < b->number; });
  std::array<storage::WriteSegment, batch_blocks> segments;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    segments[i] = {batch[i]->number * block_bytes_, {committed(*batch[i]), block_bytes_}};
  }
  TRY(store_.write({segments.data(), batch.size()}));
  counters_.writes += batch.size();
  for (Block* block : batch)
    if (!block->changed) set_dirty(*block, false);
  return {};
}

Result<> BlockCache::flush() { return store_.flush(); }

}  // namespace ext4

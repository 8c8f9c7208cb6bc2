// SPDX-License-Identifier: Apache-2.0
// The cache of metadata blocks, and the transaction around each operation's writes. What an operation changes stays
// apart until commit(): then all of it counts, to be written when there is a reason to; after abort() none of it ever
// happened. With a journal, committed blocks are `running` until they have been logged, and go to their places only
// then. Single-threaded. The number of blocks held is bounded by the capacity and by what one transaction changes.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/base/memory.h"
#include "storage/block_memory.h"
#include "storage/block_store.h"
#include "storage/ext4/buckets.h"

namespace ext4 {

// What the reader of a block has found it to be since it came from the disk, so that it need not look again.
enum class Verified : std::uint8_t { No, ExtentNode, DirectoryBlock };

namespace detail {

using LruHook = boost::intrusive::list_base_hook<boost::intrusive::tag<struct LruTag>>;
using ChangedHook = boost::intrusive::list_base_hook<boost::intrusive::tag<struct ChangedTag>>;
using RunningHook = boost::intrusive::list_base_hook<boost::intrusive::tag<struct RunningTag>>;
using TableHook = boost::intrusive::unordered_set_base_hook<>;

struct CachedBlock : LruHook, ChangedHook, RunningHook, TableHook {
  explicit CachedBlock(std::uint64_t block) : number(block) {}
  CachedBlock(const CachedBlock&) = delete;
  CachedBlock& operator=(const CachedBlock&) = delete;

  std::uint64_t number;
  std::byte* data = nullptr;
  std::byte* before = nullptr;  // in a transaction: the committed contents, if the disk does not have them
  std::uint32_t pins = 0;
  bool dirty = false;      // committed, and newer than the disk
  bool running = false;    // with dirty: not logged yet; on the list of running blocks
  bool changed = false;    // by the transaction under way; on the list of changed blocks
  bool forgotten = false;  // with changed: freed, so worthless after commit
  Verified verified = Verified::No;
};

struct NumberOf {
  using type = std::uint64_t;
  std::uint64_t operator()(const CachedBlock& block) const { return block.number; }
};
struct NumberHash {
  std::size_t operator()(std::uint64_t number) const { return (number * 0x9e3779b97f4a7c15) >> 20; }
};

}  // namespace detail

// Keeps a block in the cache while it exists.
class BlockRef {
 public:
  BlockRef() = default;
  explicit BlockRef(detail::CachedBlock& block) : block_(&block) { ++block.pins; }
  BlockRef(BlockRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  BlockRef& operator=(BlockRef&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  BlockRef(const BlockRef&) = delete;
  BlockRef& operator=(const BlockRef&) = delete;
  ~BlockRef() {
    if (block_ != nullptr) --block_->pins;
  }

  explicit operator bool() const { return block_ != nullptr; }
  std::uint64_t number() const { return block_->number; }
  std::byte* data() const { return block_->data; }
  Verified verified() const { return block_->verified; }
  void set_verified(Verified verified) const { block_->verified = verified; }

 private:
  detail::CachedBlock* block_ = nullptr;
};

struct CacheCounters {
  std::uint64_t hits = 0;
  std::uint64_t reads = 0;   // blocks
  std::uint64_t writes = 0;  // blocks
  std::uint64_t commits = 0;
  std::uint64_t aborts = 0;
};

class BlockCache {
 public:
  BlockCache(storage::BlockStore& store, std::uint32_t block_bytes, std::uint64_t block_count, std::size_t capacity);
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;
  ~BlockCache();
  base::Result<> initialize();

  std::uint32_t block_bytes() const { return block_bytes_; }
  std::uint64_t block_count() const { return block_count_; }
  std::size_t capacity() const { return capacity_; }
  storage::BlockStore& store() { return store_; }
  const CacheCounters& counters() const { return counters_; }

  // To look at. Errors: OutOfRange, NoMemory, IoError.
  base::Result<BlockRef> read(std::uint64_t number);
  // To change, as part of the transaction under way; the same reference may be asked for again.
  base::Result<BlockRef> change(std::uint64_t number);
  // Likewise, for a block whose old contents do not matter: it is not read, and its bytes are zero at first if it was
  // not part of the transaction already.
  base::Result<BlockRef> overwrite(std::uint64_t number);
  // The blocks have been freed: if the transaction commits, what the cache holds of them is never written.
  void forget(std::uint64_t first, std::uint64_t count);
  // Reads ahead what is not there yet, several at once. Failures show when a block is asked for.
  void prefetch(std::span<const std::uint64_t> numbers);

  void begin();
  bool in_transaction() const { return in_transaction_; }
  // A step of the transaction failed in a place that could not say so: commit() will refuse.
  void fail_transaction(base::Error error);
  base::Error transaction_error() const { return transaction_error_; }
  void commit();
  void abort();

  // Every committed change to the store, but for running ones; durable after its flush().
  base::Result<> write_back();
  base::Result<> flush();
  std::size_t dirty_blocks() const { return dirty_count_; }

  // For the journal. What is committed from now on is running first.
  void set_journaled(bool journaled) { journaled_ = journaled; }
  std::size_t running_blocks() const { return running_.size(); }
  // How many there will be once the transaction under way commits.
  std::size_t running_after_commit() const;
  // Calls visit(number, contents): as committed, whatever the transaction under way has changed on top.
  template <typename Visit>
  void for_each_running(const Visit& visit) const {
    for (const Block& block : running_) visit(block.number, committed(block));
  }
  void running_is_logged();

 private:
  using Block = detail::CachedBlock;
  using Table = boost::intrusive::unordered_set<
      Block, boost::intrusive::base_hook<detail::TableHook>, boost::intrusive::key_of_value<detail::NumberOf>,
      boost::intrusive::hash<detail::NumberHash>, boost::intrusive::power_2_buckets<true>>;
  using LruList = boost::intrusive::list<Block, boost::intrusive::base_hook<detail::LruHook>>;
  using RunningList = boost::intrusive::list<Block, boost::intrusive::base_hook<detail::RunningHook>>;
  using ChangedList = boost::intrusive::list<Block, boost::intrusive::base_hook<detail::ChangedHook>>;

  static const std::byte* committed(const Block& block) { return block.before != nullptr ? block.before : block.data; }
  Block* find(std::uint64_t number);
  base::Result<Block*> add(std::uint64_t number);
  base::Result<Block*> load(std::uint64_t number);
  base::Result<> join_transaction(Block& block);
  base::Result<> make_room();
  base::Result<> write_batch(std::span<Block*> batch);
  bool evict_one();
  void forget_block(Block& block);
  void drop(Block& block);
  void undo(Block& block);
  void set_dirty(Block& block, bool dirty);
  void set_running(Block& block, bool running);

  storage::BlockStore& store_;
  const std::uint32_t block_bytes_;
  const std::uint64_t block_count_;
  const std::size_t capacity_;
  storage::BlockMemory memory_;
  Buckets<Table::bucket_type> buckets_;
  base::Own<Table> table_;
  LruList lru_;  // all blocks, the longest unused first
  ChangedList changed_;
  RunningList running_;
  bool journaled_ = false;
  std::size_t dirty_count_ = 0;
  bool in_transaction_ = false;
  base::Error transaction_error_ = base::Error::None;
  CacheCounters counters_;
};

}  // namespace ext4

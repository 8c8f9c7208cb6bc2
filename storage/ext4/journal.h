// SPDX-License-Identifier: Apache-2.0
// The journal at work: operations' changes gather in a running transaction, which goes to the log as a whole when
// somebody syncs, when it is old or large, or when the blocks that it frees are needed. Blocks of the cache that the
// log has go to their places when there is a reason to; when all of them have, the log is free again (a checkpoint). At
// any time there is room in the log for the running transaction.
#pragma once

#include <cstdint>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/base/memory.h"
#include "storage/ext4/allocator.h"
#include "storage/ext4/block_cache.h"
#include "storage/jbd2/log.h"

namespace ext4 {

class Journal final : public FreedBlocks {
 public:
  Journal(base::Own<jbd2::Log> log, BlockCache& cache, Allocator& allocator)
      : log_(std::move(log)), cache_(cache), allocator_(allocator) {}
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // What has changed while it is started is journaled.
  void start();
  void stop();

  // Between an operation's last change and its commit: makes room for it. Errors: NoSpace (it is larger than the log),
  // those of the store. After it, join() cannot fail.
  base::Result<> admit();
  // The operation commits; its blocks are part of the running transaction from here on.
  void join(std::int64_t now);

  // The running transaction is on the disk, with all data written before, when it returns.
  base::Result<> commit();
  // Everything is in its place and the log is free.
  base::Result<> checkpoint();
  // For a periodic timer.
  base::Result<> write_back();

  const jbd2::LogCounters& counters() const { return log_->counters(); }
  // In blocks; a single operation should stay well below.
  std::uint64_t capacity() const { return log_->capacity(); }

 private:
  base::Result<> make_available() override { return commit(); }
  bool fits(std::size_t blocks) const;
  bool is_large(std::size_t blocks) const;
  base::Result<> find_revokes();

  base::Own<jbd2::Log> log_;
  BlockCache& cache_;
  Allocator& allocator_;
  base::Array<std::uint64_t> revokes_;    // of the running transaction
  base::Array<std::uint64_t> operation_;  // of the operation that was admitted
  std::int64_t now_ = 0;
};

}  // namespace ext4

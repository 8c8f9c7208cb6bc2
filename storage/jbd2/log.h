// SPDX-License-Identifier: Apache-2.0
// Writing transactions into a journal. A commit is on the disk, along with everything that was written to the store
// before it, when commit() returns; from then on its blocks may go to their places. When all have gone there, clear()
// makes the whole log free again. The log is a ring; who commits sees to it that there is room.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/base/memory.h"
#include "storage/block_memory.h"
#include "storage/jbd2/block_table.h"
#include "storage/jbd2/log_file.h"

namespace jbd2 {

struct LogCounters {
  std::uint64_t commits = 0;
  std::uint64_t blocks = 0;   // logged
  std::uint64_t revokes = 0;  // blocks whose older contents shall not be replayed
  std::uint64_t clears = 0;   // checkpoints, that is
};

class Log {
 public:
  // What a journal without transactions shall have from now on; it keeps what it has beyond that.
  struct Wanted {
    bool checksums = false;
    bool wide = false;
  };
  struct Block {
    std::uint64_t number;
    const std::byte* data;  // memory that a device can read
  };

  // `file` has been loaded and, if that was needed, recovered; a log that nobody asked to recover is discarded.
  static base::Result<base::Own<Log>> open(LogFile file, Wanted wanted);
  explicit Log(LogFile file) : file_(std::move(file)), memory_(file_.block_bytes()) {}
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  const LogFile& file() const { return file_; }
  // In blocks: of an empty log, of what is free, of what a transaction takes.
  std::uint64_t capacity() const { return file_.ring_blocks() - 1; }
  std::uint64_t free_blocks() const { return capacity() - used_; }
  std::uint64_t space_for(std::uint64_t blocks, std::uint64_t revokes) const;

  // There is room for it. After an error nothing has happened, and it can be tried again.
  base::Result<> commit(std::span<const Block> blocks, std::span<const std::uint64_t> revokes, std::int64_t now);
  // Everything committed is in its place and on the disk.
  base::Result<> clear();

  // A commit since clear() has this block, and it has not been revoked since: a block that is freed must be.
  bool holds(std::uint64_t block) const { return logged_.contains(block); }
  std::size_t held() const { return logged_.size(); }
  template <typename Visit>
  void for_each_held(const Visit& visit) const {
    logged_.for_each([&](std::uint64_t block, Nothing) { visit(block); });
  }
  void revoked(std::uint64_t block) { logged_.remove(block); }

  const LogCounters& counters() const { return counters_; }

 private:
  struct Nothing {};
  class Writer;

  base::Result<> invalidate_doubtful();
  base::Result<> write_commit_block(std::uint32_t index, std::int64_t now);

  LogFile file_;
  Codec codec_;
  storage::BlockMemory memory_;
  std::uint32_t head_ = 0;  // where the next transaction begins
  std::uint32_t used_ = 0;
  std::uint32_t sequence_ = 0;    // of the next transaction
  bool super_uncertain_ = false;  // what the disk has is not known, so the next commit writes it again
  std::uint32_t doubtful_ = 0;    // a commit block whose writing failed, and which may be there nevertheless
  BlockTable<Nothing> logged_;
  LogCounters counters_;
};

}  // namespace jbd2

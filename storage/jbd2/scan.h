// SPDX-License-Identifier: Apache-2.0
// The first half of a recovery: walks the log, and finds which blocks have to be written and where in the log their
// latest contents are. Nothing is written. Memory is bounded by the size of the log.
#pragma once

#include <cstdint>

#include "kernel/base/array.h"
#include "storage/jbd2/block_table.h"
#include "storage/jbd2/log_reader.h"

namespace jbd2 {

struct LoggedAt {
  std::uint32_t index = 0;  // in the log
  bool escaped = false;
};

class Scan {
 public:
  Scan(const LogFile& log, std::uint64_t disk_blocks)
      : log_(log), codec_(log.codec()), reader_(log), disk_blocks_(disk_blocks) {}
  base::Result<> run();

  const BlockTable<LoggedAt>& blocks() const { return blocks_; }
  std::uint64_t transactions() const { return transactions_; }
  std::uint64_t revokes() const { return revokes_; }
  // No block in the log has this sequence number or a later one.
  std::uint32_t next_sequence() const { return sequence_ + 1; }

 private:
  enum class Found : std::uint8_t { Part, Commit, End };
  struct Logged {
    std::uint32_t index;
    Tag tag;
  };

  base::Result<Found> step();
  base::Result<Found> take_descriptor(std::span<const std::byte> block);
  Found end(const char* why) const;
  bool advance();
  base::Result<bool> data_is_good();
  base::Result<> take_transaction();
  base::Result<> apply_revokes(std::uint32_t index);

  const LogFile& log_;
  const Codec codec_;
  LogReader reader_;
  const std::uint64_t disk_blocks_;
  std::uint32_t at_ = 0;
  std::uint32_t walked_ = 0;
  std::uint32_t sequence_ = 0;
  bool damaged_ = false;                 // a whole transaction whose logged blocks are not what was written
  base::Array<Logged> logged_;           // by the transaction that is being looked at
  base::Array<std::uint32_t> revoking_;  // its blocks of revocations
  BlockTable<LoggedAt> blocks_;
  std::uint64_t transactions_ = 0;
  std::uint64_t revokes_ = 0;
};

}  // namespace jbd2

// SPDX-License-Identifier: Apache-2.0
// The file that a journal is: its blocks, by their index in it, and its superblock, which is the first of them.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "storage/block_store.h"
#include "storage/jbd2/codec.h"

namespace jbd2 {

class LogFile {
 public:
  LogFile(storage::BlockStore& store, std::uint32_t block_bytes) : store_(store), block_bytes_(block_bytes) {}
  LogFile(LogFile&&) = default;

  // The next blocks of the file: `count` on the disk from `first` on.
  base::Result<> append(std::uint64_t first, std::uint64_t count);
  // Reads and checks the superblock. A refusal is logged in words. Errors: Malformed, NotSupported, IoError.
  base::Result<> load();

  storage::BlockStore& store() const { return store_; }
  std::uint32_t block_bytes() const { return block_bytes_; }
  std::uint64_t file_blocks() const { return blocks_; }
  bool contains(std::uint64_t disk_block) const;
  // Of the block with this index, on the disk, in bytes.
  std::uint64_t offset_of(std::uint64_t index) const;

  // The ring: indices from first() up to and without end().
  std::uint32_t first() const { return super().first; }
  std::uint32_t end() const { return super().blocks; }
  std::uint32_t ring_blocks() const { return end() - first(); }
  std::uint32_t after(std::uint32_t index) const { return index + 1 == end() ? first() : index + 1; }

  const DiskSuperblock& super() const { return *reinterpret_cast<const DiskSuperblock*>(block_.data()); }
  // Changes count once write_super() has returned and the store has been flushed.
  DiskSuperblock& super() { return *reinterpret_cast<DiskSuperblock*>(block_.data()); }
  Codec codec() const { return Codec(super()); }
  // The superblock as it has to be written, for whoever writes more along with it.
  storage::WriteSegment sealed_super();
  base::Result<> write_super();

 private:
  struct Run {
    std::uint64_t index;
    std::uint64_t first;
    std::uint64_t count;
  };
  base::Result<> check_features() const;
  base::Result<> check_numbers() const;

  storage::BlockStore& store_;
  std::uint32_t block_bytes_;
  base::Array<Run> runs_;
  std::uint64_t blocks_ = 0;
  base::Array<std::byte> block_;  // the first one, superblock and all
};

}  // namespace jbd2

// SPDX-License-Identifier: Apache-2.0
// A directory's names in memory, so that a lookup reads one block however many entries there are: a hash table from a
// name's hash to where its entry lies, and for each block its place on the disk and the longest gap in it. It is
// derived from the blocks and can be thrown away at any time. It is seeded, so that nobody can choose names that
// collide.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/base/array.h"
#include "kernel/base/error.h"

namespace ext4 {

class DirectoryIndex {
 public:
  struct Block {
    std::uint64_t physical = 0;
    std::uint32_t gap = 0;  // the longest name entry that fits, in bytes
  };

  explicit DirectoryIndex(std::uint64_t seed) : seed_(seed) {}

  std::uint32_t hash(std::string_view name) const;

  base::Array<Block>& blocks() { return blocks_; }
  std::uint64_t entries() const { return used_; }
  std::size_t memory_bytes() const { return table_.size() * sizeof(Slot) + blocks_.size() * sizeof(Block); }

  // `position`: the entry's offset in the directory in bytes, a multiple of 4, below 2^33.
  base::Result<> add(std::uint32_t hash, std::uint64_t position);
  void remove(std::uint32_t hash, std::uint64_t position);

  // Calls candidate(position) -> Result<bool> for each entry with this hash until one is true or an error.
  template <typename Candidate>
  base::Result<bool> find(std::uint32_t hash, const Candidate& candidate) const {
    if (table_.empty()) return false;
    for (std::size_t at = first_slot(hash); table_[at].place != 0; at = next_slot(at)) {
      if (table_[at].hash != hash) continue;
      if (TRY(candidate((std::uint64_t{table_[at].place} - 1) * 4))) return true;
    }
    return false;
  }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t place = 0;  // position / 4 + 1; 0: empty
  };

  std::size_t first_slot(std::uint32_t hash) const { return hash & (table_.size() - 1); }
  std::size_t next_slot(std::size_t slot) const { return (slot + 1) & (table_.size() - 1); }
  void insert(Slot slot);
  base::Result<> grow();

  std::uint64_t seed_;
  base::Array<Slot> table_;  // open addressing; a power of two of slots, at most half of them used
  std::uint64_t used_ = 0;
  base::Array<Block> blocks_;
};

}  // namespace ext4

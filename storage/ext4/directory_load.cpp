// SPDX-License-Identifier: Apache-2.0
// Reading a directory in, checking it, and giving up a hash tree: see directory.h. The root of a hash tree is block 0:
// "." and then "..", whose entry covers the rest of the block; its inner nodes are blocks whose one entry, without an
// inode, covers all of it. Neither has the checksum where entry blocks have it, and nothing here depends on what they
// say.
#include <algorithm>
#include <array>

#include "storage/ext4/checksum.h"
#include "storage/ext4/directory.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;

namespace {
constexpr std::size_t read_ahead_blocks = 64;
}

bool Directory::is_hash_tree_node(const BlockRef& block, std::uint64_t logical) const {
  if (!has_hash_tree()) return false;
  if (logical == 0) return true;
  const EntryHeader& first = view(block).at(0);
  return first.inode == 0 && first.length == volume_.block_bytes();
}

Result<> Directory::verify(const BlockRef& block, std::uint64_t logical) {
  if (block.verified() == Verified::DirectoryBlock) return {};
  const bool node = is_hash_tree_node(block, logical);
  const DirectoryBlock whole(block.data(), volume_.block_bytes(), 0);
  const DirectoryBlock entries = node ? whole : view(block);
  if (!entries.well_formed(volume_.super().s_inodes_count)) return fail(Error::IoError);
  if (!node && volume_.has_checksums()) {
    const std::uint32_t sum = checksum(volume_.checksum_seed(inode_), entries.summed());
    if (!entries.has_tail() || entries.stored_checksum() != sum) return fail(Error::IoError);
  }
  if (logical == 0) {
    const std::uint32_t second = entries.next(0);
    const bool good = entries.at(0).inode == inode_.number() && entries.name(0) == "." && second < entries.end() &&
                      entries.at(second).inode != 0 && entries.name(second) == "..";
    if (!good) return fail(Error::IoError);
  }
  block.set_verified(Verified::DirectoryBlock);
  return {};
}

Result<BlockRef> Directory::read(std::uint64_t logical) {
  LEGO_ASSERT(inode_.names);
  BlockRef block = TRY(volume_.cache().read(inode_.names->blocks()[logical].physical));
  TRY(verify(block, logical));
  return block;
}

Result<> Directory::load_blocks(DirectoryIndex& index) {
  const std::uint64_t blocks = inode_.size() / volume_.block_bytes();
  FileMap map(volume_, inode_);
  for (std::uint64_t logical = 0; logical < blocks;) {
    const Mapping mapping = TRY(map.find(logical));
    if (mapping.physical == 0 || mapping.written == Written::No) return fail(Error::IoError);
    for (std::uint64_t i = 0; i < mapping.count && logical < blocks; ++i, ++logical)
      TRY(index.blocks().push_back({.physical = mapping.physical + i}));
  }
  return {};
}

Result<> Directory::load_names(DirectoryIndex& index) {
  const std::uint64_t blocks = index.blocks().size();
  for (std::uint64_t logical = 0; logical < blocks; ++logical) {
    if (logical % read_ahead_blocks == 0) {
      std::array<std::uint64_t, read_ahead_blocks> ahead;
      const std::size_t count = std::min<std::uint64_t>(read_ahead_blocks, blocks - logical);
      for (std::size_t i = 0; i < count; ++i) ahead[i] = index.blocks()[logical + i].physical;
      volume_.cache().prefetch({ahead.data(), count});
    }
    const BlockRef block = TRY(read(logical));
    const bool node = is_hash_tree_node(block, logical);
    const DirectoryBlock entries = view(block);
    if (!node) index.blocks()[logical].gap = entries.longest_gap();
    const std::uint32_t end = node ? volume_.block_bytes() : entries.end();
    for (std::uint32_t offset = 0; offset < end; offset = entries.next(offset))
      if (entries.at(offset).inode != 0)
        TRY(index.add(index.hash(entries.name(offset)), logical * volume_.block_bytes() + offset));
  }
  return {};
}

Result<> Directory::load() {
  if (inode_.names) return {};
  inode_.names = TRY(base::try_make<DirectoryIndex>(volume_.options().hash_seed));
  auto result = load_blocks(*inode_.names);
  if (result) result = load_names(*inode_.names);
  if (result && inode_.names->entries() < 2) result = fail(Error::IoError);
  if (!result) inode_.names.reset();
  return result;
}

Result<> Directory::make_linear() {
  if (!has_hash_tree()) return {};
  touch();
  const std::uint64_t blocks = inode_.names->blocks().size();
  for (std::uint64_t logical = 0; logical < blocks; ++logical) {
    const BlockRef seen = TRY(read(logical));
    if (!is_hash_tree_node(seen, logical)) continue;
    const BlockRef block = TRY(volume_.cache().change(seen.number()));
    const DirectoryBlock entries = view(block);
    if (logical == 0) {
      const std::uint32_t second = entries.next(0);
      entries.at(second).length = static_cast<std::uint16_t>(entries.end() - second);
      if (volume_.has_checksums()) entries.make_tail();
    } else {
      entries.initialize();
    }
    seal(block, logical);
  }
  inode_.disk.i_flags &= ~std::uint32_t{EXT2_INDEX_FL};
  return {};
}

}  // namespace ext4

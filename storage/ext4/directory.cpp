// SPDX-License-Identifier: Apache-2.0
// Operations on a directory: see directory.h. Reading it in is in directory_load.cpp.
#include "storage/ext4/directory.h"

#include "storage/ext4/checksum.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;

// The names in memory change with the blocks and go if the transaction is given up.
void Directory::touch() {
  volume_.inodes().change(inode_);
  inode_.names_changed = true;
}

Result<BlockRef> Directory::change(std::uint64_t logical) {
  touch();
  const BlockRef verified = TRY(read(logical));
  return volume_.cache().change(verified.number());
}

void Directory::seal(const BlockRef& block, std::uint64_t logical) {
  const DirectoryBlock entries = view(block);
  if (volume_.has_checksums()) entries.store_checksum(checksum(volume_.checksum_seed(inode_), entries.summed()));
  block.set_verified(Verified::DirectoryBlock);
  inode_.names->blocks()[logical].gap = entries.longest_gap();
}

Result<> Directory::append_block() {
  const std::uint64_t logical = inode_.names->blocks().size();
  FileMap map(volume_, inode_);
  TRY(map.allocate(logical, 1, Written::Yes));
  const Mapping mapping = TRY(map.find(logical));
  const BlockRef block = TRY(volume_.cache().overwrite(mapping.physical));
  view(block).initialize();
  TRY(inode_.names->blocks().push_back({.physical = mapping.physical}));
  seal(block, logical);
  inode_.set_size((logical + 1) * volume_.block_bytes());
  return {};
}

Result<> Directory::initialize(std::uint32_t parent) {
  inode_.names = TRY(base::try_make<DirectoryIndex>(volume_.options().hash_seed));
  touch();
  TRY(append_block());
  TRY(add(".", inode_.number(), FileType::Directory));
  return add("..", parent, FileType::Directory);
}

Result<FoundEntry> Directory::find(std::string_view name) {
  TRY(load());
  FoundEntry found;
  const auto matches = [&](std::uint64_t position) -> Result<bool> {
    const BlockRef block = TRY(read(position / volume_.block_bytes()));
    const DirectoryBlock entries = view(block);
    const auto offset = static_cast<std::uint32_t>(position % volume_.block_bytes());
    if (!entries.begins_entry(offset)) return fail(Error::IoError);
    if (entries.name(offset) != name) return false;
    found = {entries.at(offset).inode, static_cast<FileType>(entries.at(offset).type), position};
    return true;
  };
  if (!TRY(inode_.names->find(inode_.names->hash(name), matches))) return fail(Error::NotFound);
  return found;
}

// A block with a gap of this many bytes, a new one if need be. Names come and go at the end more often than not.
Result<std::uint64_t> Directory::block_for(std::uint32_t needed) {
  auto& blocks = inode_.names->blocks();
  for (std::size_t logical = blocks.size(); logical-- > 0;)
    if (blocks[logical].gap >= needed) return logical;
  TRY(append_block());
  return blocks.size() - 1;
}

Result<> Directory::add(std::string_view name, std::uint32_t inode, FileType type) {
  TRY(load());
  TRY(make_linear());
  const std::uint64_t logical = TRY(block_for(EntryHeader::needed(name.size())));
  const BlockRef block = TRY(change(logical));
  const std::uint32_t offset = TRY(view(block).add(name, inode, type));
  seal(block, logical);
  return inode_.names->add(inode_.names->hash(name), logical * volume_.block_bytes() + offset);
}

Result<> Directory::remove(std::string_view name, const FoundEntry& entry) {
  TRY(make_linear());
  const std::uint64_t logical = entry.position / volume_.block_bytes();
  const BlockRef block = TRY(change(logical));
  view(block).remove(static_cast<std::uint32_t>(entry.position % volume_.block_bytes()));
  seal(block, logical);
  inode_.names->remove(inode_.names->hash(name), entry.position);
  return {};
}

Result<> Directory::replace(const FoundEntry& entry, std::uint32_t inode, FileType type) {
  TRY(make_linear());
  const std::uint64_t logical = entry.position / volume_.block_bytes();
  const BlockRef block = TRY(change(logical));
  EntryHeader& header = view(block).at(static_cast<std::uint32_t>(entry.position % volume_.block_bytes()));
  header.inode = inode;
  header.type = static_cast<std::uint8_t>(type);
  seal(block, logical);
  return {};
}

Result<bool> Directory::is_empty() {
  TRY(load());
  return inode_.names->entries() <= 2;
}

Result<> Directory::set_parent(std::uint32_t parent) { return replace(TRY(find("..")), parent, FileType::Directory); }

Result<bool> Directory::list(std::uint64_t cookie, storage::DirectoryVisitor& visitor) {
  TRY(load());
  const std::uint64_t block_bytes = volume_.block_bytes();
  const std::uint64_t blocks = inode_.names->blocks().size();
  for (std::uint64_t logical = cookie / block_bytes; logical < blocks; ++logical) {
    const BlockRef block = TRY(read(logical));
    if (is_hash_tree_node(block, logical) && logical != 0) continue;
    const DirectoryBlock entries = view(block);
    const std::uint64_t start = logical * block_bytes;
    // From the block's beginning, for the cookie may lie inside an entry that has grown since.
    const std::uint32_t end = logical == 0 && has_hash_tree() ? volume_.block_bytes() : entries.end();
    for (std::uint32_t offset = 0; offset < end; offset = entries.next(offset)) {
      const EntryHeader& entry = entries.at(offset);
      if (entry.inode == 0 || start + offset < cookie) continue;
      const std::uint64_t after = start + entries.next(offset);
      if (!visitor.entry(entries.name(offset), entry.inode, linux_type(static_cast<FileType>(entry.type)), after))
        return false;
    }
  }
  return true;
}

}  // namespace ext4

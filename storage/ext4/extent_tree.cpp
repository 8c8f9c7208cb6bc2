// SPDX-License-Identifier: Apache-2.0
// Walking an extent tree: see extent_tree.h. Changing it is in extent_change.cpp.
#include "storage/ext4/extent_tree.h"

#include "storage/ext4/checksum.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;

Result<> ExtentTree::verify(const BlockRef& block, std::uint16_t depth) {
  const ExtentNode node(block.data());
  if (block.verified() == Verified::ExtentNode && node.header().depth == depth) return {};
  if (!node.well_formed(volume_.block_bytes(), depth) || node.size() == 0) return fail(Error::IoError);
  if (volume_.has_checksums()) {
    const std::size_t bytes = node.checksum_offset();
    if (bytes + sizeof(base::le32) > volume_.block_bytes()) return fail(Error::IoError);
    const auto& stored = *reinterpret_cast<const base::le32*>(block.data() + bytes);
    if (stored != checksum(volume_.checksum_seed(inode_), {block.data(), bytes})) return fail(Error::IoError);
  }
  const SystemZone& zone = volume_.allocator().system_zone();
  for (std::size_t i = 0; i < node.size(); ++i) {
    const bool good = depth == 0 ? zone.is_data(node.extent(i).get().physical, node.extent(i).get().count)
                                 : zone.is_data(node.pointer(i).node(), 1);
    if (!good) return fail(Error::IoError);
  }
  block.set_verified(Verified::ExtentNode);
  return {};
}

// From path_[depth] to its child; `end`: the first logical block that is no longer the child's.
Result<> ExtentTree::descend_one(std::size_t depth, std::uint64_t end) {
  const ExtentNode parent = path_[depth].node();
  const ExtentPointer& pointer = parent.pointer(path_[depth].index);
  Level& child = path_[depth + 1];
  child.block = TRY(volume_.cache().read(pointer.node()));
  child.data = child.block.data();
  TRY(verify(child.block, static_cast<std::uint16_t>(parent.header().depth - 1)));
  const ExtentNode node = child.node();
  const std::size_t last = node.size() - 1;
  const std::uint64_t last_end = node.leaf() ? node.extent(last).get().end() : node.key(last) + std::uint64_t{1};
  if (node.key(0) != pointer.logical || last_end > end) return fail(Error::IoError);
  return {};
}

// Sets path_ to the leaf where `logical` lies or would lie, and its index to the last extent that starts at or before
// it (0 if there is none).
Result<> ExtentTree::descend(std::uint64_t logical) {
  auto* root = reinterpret_cast<std::byte*>(inode_.disk.i_block);
  const ExtentNode node(root);
  const std::uint16_t depth = node.header().depth;
  if (depth > max_extent_depth || !node.well_formed(sizeof(inode_.disk.i_block), depth)) return fail(Error::IoError);
  if (depth > 0 && node.size() == 0) return fail(Error::IoError);
  if (depth == 0)
    for (std::size_t i = 0; i < node.size(); ++i)
      if (!volume_.allocator().system_zone().is_data(node.extent(i).get().physical, node.extent(i).get().count))
        return fail(Error::IoError);
  path_[0].block = BlockRef();
  path_[0].data = root;
  path_[0].index = node.search(logical);
  depth_ = depth;
  std::uint64_t end = max_file_blocks + 1;
  for (std::size_t level = 0; level < depth_; ++level) {
    const ExtentNode parent = path_[level].node();
    if (path_[level].index + 1 < parent.size()) end = parent.key(path_[level].index + 1);
    TRY(descend_one(level, end));
    path_[level + 1].index = path_[level + 1].node().search(logical);
  }
  return {};
}

// The first logical block of the extent behind the one that path_ is at.
std::uint64_t ExtentTree::next_key() const {
  for (std::size_t level = depth_ + 1; level-- > 0;)
    if (path_[level].index + 1 < path_[level].node().size()) return path_[level].node().key(path_[level].index + 1);
  return max_file_blocks;
}

Result<Mapping> ExtentTree::find(std::uint64_t logical) {
  if (logical >= max_file_blocks) return fail(Error::TooBig);
  TRY(descend(logical));
  const ExtentNode node = leaf().node();
  if (node.size() == 0) return Mapping{.count = max_file_blocks - logical};
  const Extent extent = node.extent(leaf().index).get();
  if (logical < extent.logical) return Mapping{.count = extent.logical - logical};
  if (logical < extent.end()) {
    const std::uint64_t skip = logical - extent.logical;
    return Mapping{.physical = extent.physical + skip, .count = extent.count - skip, .written = extent.written};
  }
  return Mapping{.count = next_key() - logical, .goal = extent.physical + (logical - extent.logical)};
}

}  // namespace ext4

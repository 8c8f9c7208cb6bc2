// SPDX-License-Identifier: Apache-2.0
// Changing an extent tree: see extent_tree.h. The key of a pointer is the first key of its node, at every level.
#include <algorithm>
#include <cstring>

#include "storage/ext4/block_count.h"
#include "storage/ext4/checksum.h"
#include "storage/ext4/extent_tree.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;

void ExtentTree::initialize() {
  inode_.disk.i_flags |= EXT4_EXTENTS_FL;
  ExtentNode(reinterpret_cast<std::byte*>(inode_.disk.i_block)).initialize(sizeof(inode_.disk.i_block), 0);
}

// The node on this level may be written to from now on; seal() when done.
Result<> ExtentTree::change(std::size_t level) {
  if (level == 0) return {};
  const BlockRef changed = TRY(volume_.cache().change(path_[level].block.number()));
  LEGO_ASSERT(changed.data() == path_[level].data);
  return {};
}

void ExtentTree::seal(std::size_t level) {
  if (level == 0 || !volume_.has_checksums()) return;
  const std::size_t bytes = path_[level].node().checksum_offset();
  *reinterpret_cast<base::le32*>(path_[level].data + bytes) =
      checksum(volume_.checksum_seed(inode_), {path_[level].data, bytes});
}

// The first key of the node on this level may have changed.
Result<> ExtentTree::fix_keys(std::size_t level) {
  while (level > 0) {
    const std::uint32_t key = path_[level].node().key(0);
    --level;
    const ExtentNode parent = path_[level].node();
    if (parent.key(path_[level].index) == key) return {};
    TRY(change(level));
    parent.pointer(path_[level].index).logical = key;
    seal(level);
    if (path_[level].index != 0) return {};
  }
  return {};
}

Result<BlockRef> ExtentTree::new_node(std::uint16_t depth) {
  const std::uint64_t goal = volume_.allocator().goal_of_inode(inode_.number());
  const BlockRange range = TRY(volume_.allocator().allocate_blocks(goal, 1, BlockUse::TreeNode));
  TRY(add_blocks(volume_.library(), inode_, 1));
  BlockRef block = TRY(volume_.cache().overwrite(range.first));
  ExtentNode(block.data()).initialize(volume_.block_bytes(), depth);
  block.set_verified(Verified::ExtentNode);
  return block;
}

// The root's entries move to a node of their own, so that it has room for pointers.
Result<> ExtentTree::grow_root() {
  if (depth_ == max_extent_depth) return fail(Error::TooBig);
  const ExtentNode root = path_[0].node();
  Level child;
  child.block = TRY(new_node(root.header().depth));
  child.data = child.block.data();
  const std::uint32_t key = root.key(0);
  root.move_tail_to(0, child.node());
  root.header().depth = static_cast<std::uint16_t>(root.header().depth + 1);
  root.header().entries = 1;
  root.pointer(0).logical = key;
  root.pointer(0).set_node(child.block.number());
  std::swap(path_[1], child);  // only to seal it: the path is walked again
  seal(1);
  return {};
}

// Half of the node moves to a new one on its right, or one entry if this is the right edge, where files grow. The
// parent has room.
Result<> ExtentTree::split(std::size_t level) {
  const ExtentNode node = path_[level].node();
  const std::size_t first = path_[level].index + 1 == node.size() ? node.size() - 1 : node.size() / 2;
  Level right;
  right.block = TRY(new_node(node.header().depth));
  right.data = right.block.data();
  TRY(change(level));
  TRY(change(level - 1));
  node.move_tail_to(first, right.node());
  const ExtentNode parent = path_[level - 1].node();
  const std::size_t index = path_[level - 1].index + 1;
  parent.insert_gap(index);
  parent.pointer(index).logical = right.node().key(0);
  parent.pointer(index).set_node(right.block.number());
  seal(level);
  seal(level - 1);
  std::swap(path_[level], right);
  seal(level);
  return {};
}

// Leaves path_ at a leaf for `logical` that is not full.
Result<> ExtentTree::make_room(std::uint64_t logical) {
  TRY(descend(logical));
  while (leaf().node().full()) {
    std::size_t level = depth_;  // the lowest level above which there is room
    while (level > 0 && path_[level - 1].node().full()) --level;
    TRY(level == 0 ? grow_root() : split(level));
    TRY(descend(logical));
  }
  return {};
}

// Adds it to the extent before or behind it, if they are one on the disk too. path_ is where it would go.
Result<bool> ExtentTree::merge(const Extent& extent) {
  const ExtentNode node = leaf().node();
  const std::size_t most = extent.written == Written::Yes ? max_extent_blocks : max_unwritten_blocks;
  if (node.size() == 0) return false;
  const std::size_t index = leaf().index;
  Extent before = node.extent(index).get();
  if (before.followed_by(extent) && before.count + extent.count <= most) {
    TRY(change(depth_));
    before.count += extent.count;
    if (index + 1 < node.size()) {
      const Extent behind = node.extent(index + 1).get();
      if (before.followed_by(behind) && before.count + behind.count <= most) {
        before.count += behind.count;
        node.erase(index + 1);
      }
    }
    node.extent(index).set(before);
    seal(depth_);
    return true;
  }
  const std::size_t next = extent.logical < before.logical ? index : index + 1;
  if (next >= node.size()) return false;
  Extent behind = node.extent(next).get();
  if (!extent.followed_by(behind) || behind.count + extent.count > most) return false;
  TRY(change(depth_));
  behind.logical = extent.logical;
  behind.physical = extent.physical;
  behind.count += extent.count;
  node.extent(next).set(behind);
  seal(depth_);
  if (next == 0) TRY(fix_keys(depth_));
  return true;
}

Result<> ExtentTree::put(const Extent& extent) {
  TRY(descend(extent.logical));
  if (TRY(merge(extent))) return {};
  TRY(make_room(extent.logical));
  TRY(change(depth_));
  const ExtentNode node = leaf().node();
  std::size_t index = leaf().index;
  if (index < node.size() && node.key(index) < extent.logical) ++index;
  node.insert_gap(index);
  node.extent(index).set(extent);
  seal(depth_);
  return index == 0 ? fix_keys(depth_) : Result<>{};
}

Result<> ExtentTree::insert(Extent extent) {
  const std::uint64_t most = extent.written == Written::Yes ? max_extent_blocks : max_unwritten_blocks;
  while (extent.count > 0) {
    Extent piece = extent;
    piece.count = std::min(extent.count, most);
    TRY(put(piece));
    TRY(add_blocks(volume_.library(), inode_, piece.count));
    extent.logical += piece.count;
    extent.physical += piece.count;
    extent.count -= piece.count;
  }
  return {};
}

Result<> ExtentTree::mark_written(std::uint64_t first, std::uint64_t count) {
  TRY(descend(first));
  const ExtentNode node = leaf().node();
  const std::size_t index = leaf().index;
  const Extent whole = node.extent(index).get();
  LEGO_ASSERT(whole.written == Written::No && whole.logical <= first && first + count <= whole.end());
  const std::uint64_t skip = first - whole.logical;
  const Extent written{first, whole.physical + skip, count, Written::Yes};
  Extent rest{first + count, whole.physical + skip + count, whole.end() - first - count, Written::No};
  TRY(change(depth_));
  if (skip > 0) {
    node.extent(index).set({whole.logical, whole.physical, skip, Written::No});
    seal(depth_);
    TRY(put(written));
    return rest.count > 0 ? put(rest) : Result<>{};
  }
  // The start of the extent: it often goes on from a written one before it, as when a reserved file is filled.
  if (index > 0) {
    Extent before = node.extent(index - 1).get();
    if (before.followed_by(written) && before.count + count <= max_extent_blocks) {
      before.count += count;
      node.extent(index - 1).set(before);
      if (rest.count > 0)
        node.extent(index).set(rest);
      else
        node.erase(index);
      seal(depth_);
      return {};
    }
  }
  node.extent(index).set(written);
  seal(depth_);
  return rest.count > 0 ? put(rest) : Result<>{};
}

// The leaf of path_ has lost its only entry: it goes, and with it what becomes empty above.
Result<> ExtentTree::drop_empty_leaf() {
  std::size_t level = depth_;
  while (level > 0 && path_[level].node().size() == 0) {
    const std::uint64_t block = path_[level].block.number();
    path_[level].block = BlockRef();
    path_[level].data = nullptr;
    volume_.allocator().free_blocks({block, 1});
    subtract_blocks(volume_.library(), inode_, 1);
    --level;
    TRY(change(level));
    path_[level].node().erase(path_[level].index);
    seal(level);
  }
  if (path_[0].node().size() == 0) {
    path_[0].node().header().depth = 0;
    return {};
  }
  return path_[level].index == 0 ? fix_keys(level) : Result<>{};
}

// Frees the part of the extent at path_ that lies in [first, end).
Result<> ExtentTree::remove_piece(Extent extent, std::uint64_t first, std::uint64_t end) {
  const ExtentNode node = leaf().node();
  const std::size_t index = leaf().index;
  const std::uint64_t from = std::max(first, extent.logical), to = std::min(end, extent.end());
  const auto part = [&extent](std::uint64_t begin, std::uint64_t stop) {
    return Extent{begin, extent.physical + (begin - extent.logical), stop - begin, extent.written};
  };
  const Extent before = part(extent.logical, from), gone = part(from, to), behind = part(to, extent.end());
  TRY(change(depth_));
  volume_.allocator().free_blocks({gone.physical, gone.count});
  subtract_blocks(volume_.library(), inode_, gone.count);
  if (before.count > 0 || behind.count > 0) {
    node.extent(index).set(before.count > 0 ? before : behind);
    seal(depth_);
    if (before.count > 0) return behind.count > 0 ? put(behind) : Result<>{};
    return index == 0 ? fix_keys(depth_) : Result<>{};
  }
  node.erase(index);
  if (node.size() == 0 && depth_ > 0) return drop_empty_leaf();
  seal(depth_);
  return index == 0 && node.size() > 0 ? fix_keys(depth_) : Result<>{};
}

Result<bool> ExtentTree::remove(std::uint64_t first, std::uint64_t end, std::size_t extents) {
  for (std::size_t done = 0;; ++done) {
    TRY(descend(end - 1));
    const ExtentNode node = leaf().node();
    if (node.size() == 0) return true;
    const Extent extent = node.extent(leaf().index).get();
    if (extent.logical >= end || extent.end() <= first) return true;
    if (done == extents) return false;
    TRY(remove_piece(extent, first, end));
  }
}

}  // namespace ext4

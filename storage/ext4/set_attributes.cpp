// SPDX-License-Identifier: Apache-2.0
// Reading and changing attributes, size included: see file_system.h.
#include <algorithm>
#include <cstring>

#include "storage/ext4/attributes.h"
#include "storage/ext4/file_map.h"
#include "storage/ext4/file_system.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;
using storage::AttributeChanges;
using storage::Attributes;

Result<Attributes> FileSystem::attributes(base::FileId file) {
  return attributes_of(*volume_, *TRY(volume_->inodes().find(file)));
}

Result<> FileSystem::check_size(Inode& inode, std::uint64_t size) {
  const std::uint64_t last = size == 0 ? 0 : (size - 1) / volume_->block_bytes();
  if (last >= max_file_blocks - 1) return fail(Error::TooBig);
  if (inode.has_extents()) return {};
  // Direct blocks, then up to three levels of indirection; and the count of blocks has 32 bits, of 512 bytes each.
  const std::uint64_t pointers = volume_->block_bytes() / 4;
  const std::uint64_t reach = EXT2_NDIR_BLOCKS + pointers + pointers * pointers + pointers * pointers * pointers;
  const std::uint64_t countable = (std::uint64_t{1} << 32) / (volume_->block_bytes() / 512) * 9 / 10;
  return last < std::min(reach, countable) ? Result<>{} : fail(Error::TooBig);
}

// What lies between `from` and the end of its block becomes zero on the disk, if there is a block with data.
Result<> FileSystem::zero_tail(Inode& inode, std::uint64_t from) {
  const std::uint32_t block_bytes = volume_->block_bytes();
  return zero_part(inode, from, base::round_up(from, block_bytes));
}

// False: blocks behind the new end are left to be freed; the inode is on the list of orphans.
Result<bool> FileSystem::resize(Inode& inode, std::uint64_t size) {
  TRY(check_size(inode, size));
  const std::uint64_t old_size = inode.size();
  volume_->inodes().change(inode);
  inode.set_size(size);
  if (size > 0x7fffffff) ext2fs_set_feature_large_file(volume_->library()->super);
  if (size >= old_size) {
    // The rest of the old last block has never been part of the file.
    TRY(zero_tail(inode, old_size));
    return true;
  }
  const std::uint64_t blocks = (size + volume_->block_bytes() - 1) / volume_->block_bytes();
  const bool done = TRY(FileMap(*volume_, inode).remove(blocks));
  if (!done) TRY(volume_->orphans().add(inode));
  return done;
}

Result<Attributes> FileSystem::set_attributes(base::FileId file, const AttributeChanges& changes,
                                              const storage::Request& request) {
  TRY(writable());
  Attributes attributes;
  std::uint32_t left_over = 0;
  {
    Transaction transaction(*volume_, request);
    const InodeRef inode = TRY(volume_->inodes().find(file));
    volume_->inodes().change(*inode);
    const std::uint64_t old_size = inode->size();
    if (changes.set_size && !(changes.grow_only && changes.size <= inode->size())) {
      if (inode->is_directory()) return fail(Error::IsDirectory);
      if (!inode->is_regular()) return fail(Error::InvalidArgument);
      if (!TRY(resize(*inode, changes.size))) left_over = inode->number();
      set_modify_time(*volume_, *inode, request.now);
    }
    if (changes.set_mode)
      inode->disk.i_mode = static_cast<std::uint16_t>(inode->type() | (changes.mode & storage::mode::permissions));
    if (changes.set_uid || changes.set_gid)
      set_owner(*inode, changes.set_uid ? changes.uid : inode_uid(inode->disk),
                changes.set_gid ? changes.gid : inode_gid(inode->disk));
    if (changes.set_access_time) set_access_time(*volume_, *inode, changes.access_time);
    if (changes.set_modify_time) set_modify_time(*volume_, *inode, changes.modify_time);
    set_change_time(*volume_, *inode, changes.set_change_time ? changes.change_time : request.now);
    TRY(transaction.commit());
    // Linux relies on zeros behind the end. Only now, for an operation that failed must not have changed any byte; if
    // this fails, whatever makes the file longer zeroes it again.
    if (inode->is_regular() && inode->size() < old_size) (void)zero_tail(*inode, inode->size());
    attributes = attributes_of(*volume_, *inode);
  }
  if (left_over == 0) return attributes;
  TRY(free_left_over(left_over, request));
  return this->attributes(file);
}

}  // namespace ext4

// SPDX-License-Identifier: Apache-2.0
// The end of a file: losing names, being held, being freed: see file_system.h.
#include <algorithm>
#include <cstdint>

#include "storage/ext4/attributes.h"
#include "storage/ext4/errors.h"
#include "storage/ext4/file_map.h"
#include "storage/ext4/file_system.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;
using storage::Attributes;

// Small numbers in this field are links of the list of orphans.
std::uint32_t FileSystem::deletion_time(storage::Time now) const {
  const std::uint32_t earliest = std::max(volume_->super().s_mkfs_time, volume_->super().s_inodes_count + 1);
  return std::max(earliest, static_cast<std::uint32_t>(std::clamp<storage::Time>(now / 1000000000, 0, UINT32_MAX)));
}

// Frees what the inode has, up to a bound; with nothing left, the inode too. True: done.
Result<bool> FileSystem::free_step(Inode& inode, storage::Time now) {
  volume_->inodes().change(inode);
  const bool has_blocks = inode.is_regular() || inode.is_directory() ||
                          (inode.is_symlink() && !inode.is_short_symlink(volume_->block_bytes()));
  if (has_blocks && !TRY(FileMap(*volume_, inode).remove(0))) {
    TRY(volume_->orphans().add(inode));
    return false;
  }
  TRY(check(ext2fs_free_ext_attr(volume_->library(), inode.number(), &inode.disk)));
  TRY(volume_->orphans().remove(inode));
  const bool directory = inode.is_directory();
  inode.set_size(0);
  inode.disk.i_links_count = 0;
  inode.disk.i_dtime = deletion_time(now);
  volume_->allocator().free_inode(inode.number(), directory);
  volume_->inodes().free(inode);
  return true;
}

Result<> FileSystem::drop_link(Inode& inode, storage::Time now, std::uint32_t& left_over) {
  volume_->inodes().change(inode);
  set_change_time(*volume_, inode, now);
  inode.disk.i_links_count = static_cast<std::uint16_t>(inode.is_directory() ? 0 : inode.links() - 1);
  if (inode.links() > 0) return {};
  if (inode.holds > 0) return volume_->orphans().add(inode);
  if (!TRY(free_step(inode, now))) left_over = inode.number();
  return {};
}

// The rest of a file without a name, or of one that has become shorter, a transaction at a time.
Result<> FileSystem::free_left_over(std::uint32_t number, const storage::Request& request) {
  for (bool done = false; !done;) {
    Transaction transaction(*volume_, request);
    InodeRef inode = TRY(volume_->inodes().get(number));
    volume_->inodes().change(*inode);
    if (inode->links() == 0) {
      done = TRY(free_step(*inode, request.now));
    } else {
      const std::uint64_t blocks = (inode->size() + volume_->block_bytes() - 1) / volume_->block_bytes();
      done = !inode->is_regular() || TRY(FileMap(*volume_, *inode).remove(blocks));
      if (done) TRY(volume_->orphans().remove(*inode));
    }
    inode = InodeRef();
    TRY(transaction.commit());
  }
  return {};
}

Result<Attributes> FileSystem::hold(base::FileId file) {
  const InodeRef inode = TRY(volume_->inodes().find(file));
  ++inode->holds;
  return attributes_of(*volume_, *inode);
}

Result<> FileSystem::release(base::FileId file, std::uint32_t count, const storage::Request& request) {
  std::uint32_t left_over = 0;
  {
    const InodeRef inode = TRY(volume_->inodes().find(file));
    if (inode->holds < count) return fail(Error::InvalidArgument);
    inode->holds -= count;
    if (inode->holds == 0 && inode->links() == 0) left_over = inode->number();
  }
  return left_over != 0 ? free_left_over(left_over, request) : Result<>{};
}

Result<> FileSystem::release_all(const storage::Request& request) {
  base::Array<std::uint32_t> unnamed;
  TRY(unnamed.reserve(volume_->orphans().count()));
  volume_->inodes().for_each_held([&](Inode& inode) {
    inode.holds = 0;
    if (inode.links() == 0) (void)unnamed.push_back(inode.number());  // there is room: all of them are orphans
  });
  for (const std::uint32_t number : unnamed) TRY(free_left_over(number, request));
  return {};
}

}  // namespace ext4

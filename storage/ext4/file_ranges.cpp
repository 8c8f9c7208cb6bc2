// SPDX-License-Identifier: Apache-2.0
// Room for ranges of files, holes in them, and where these are: see file_system.h.
#include <algorithm>
#include <cstring>

#include "storage/ext4/attributes.h"
#include "storage/ext4/file_map.h"
#include "storage/ext4/file_system.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;
using storage::Attributes;
using storage::FileExtent;

namespace {

Result<> check_regular(const Inode& inode) {
  if (inode.is_directory()) return fail(Error::IsDirectory);
  return inode.is_regular() ? Result<>{} : fail(Error::InvalidArgument);
}

}  // namespace

Result<> FileSystem::reserve(base::FileId file, std::uint64_t offset, std::uint64_t bytes,
                             const storage::Request& request) {
  TRY(writable());
  Transaction transaction(*volume_, request);
  const InodeRef inode = TRY(volume_->inodes().find(file));
  TRY(check_regular(*inode));
  if (bytes == 0) return {};
  if (offset + bytes < offset) return fail(Error::TooBig);
  TRY(check_size(*inode, offset + bytes));
  const std::uint64_t first = offset / volume_->block_bytes();
  const std::uint64_t last = (offset + bytes - 1) / volume_->block_bytes();
  if (!inode->has_extents())  // a block map cannot say "allocated, but not written": no more than a look is possible
    return TRY(statistics()).blocks_available >= last - first + 1 ? Result<>{} : fail(Error::NoSpace);
  TRY(FileMap(*volume_, *inode).allocate(first, last - first + 1, Written::No));
  return transaction.commit();
}

// What lies between `from` and `end` of one block becomes zero on the disk, if there is a block with data.
Result<> FileSystem::zero_part(Inode& inode, std::uint64_t from, std::uint64_t end) {
  const std::uint32_t block_bytes = volume_->block_bytes();
  if (from >= end) return {};
  LEGO_ASSERT(from / block_bytes == (end - 1) / block_bytes);
  const Mapping mapping = TRY(FileMap(*volume_, inode).find(from / block_bytes));
  if (mapping.physical == 0 || mapping.written == Written::No) return {};
  base::Array<std::byte> block;
  TRY(block.resize(block_bytes));
  const storage::ReadSegment read{mapping.physical * block_bytes, block.span()};
  TRY(volume_->store().read({&read, 1}));
  std::memset(block.data() + from % block_bytes, 0, end - from);
  const storage::WriteSegment write{mapping.physical * block_bytes, block.span()};
  return volume_->store().write({&write, 1});
}

Result<Attributes> FileSystem::punch(base::FileId file, std::uint64_t offset, std::uint64_t bytes,
                                     const storage::Request& request) {
  TRY(writable());
  const std::uint64_t block_bytes = volume_->block_bytes();
  const std::uint64_t stop = offset + bytes;
  if (stop < offset || stop / block_bytes > max_file_blocks) return fail(Error::TooBig);
  const std::uint64_t first = (offset + block_bytes - 1) / block_bytes, end = stop / block_bytes;
  while (true) {
    Transaction transaction(*volume_, request);
    const InodeRef inode = TRY(volume_->inodes().find(file));
    TRY(check_regular(*inode));
    volume_->inodes().change(*inode);
    const bool done = TRY(FileMap(*volume_, *inode).remove(first, end));
    set_modify_time(*volume_, *inode, request.now);
    set_change_time(*volume_, *inode, request.now);
    TRY(transaction.commit());
    if (!done) continue;
    // Only now, for a transaction that failed must not have changed any byte.
    TRY(zero_part(*inode, offset, std::min(stop, first * block_bytes)));
    if (end >= first) TRY(zero_part(*inode, end * block_bytes, stop));
    return attributes_of(*volume_, *inode);
  }
}

Result<FileExtent> FileSystem::extent(base::FileId file, std::uint64_t offset) {
  constexpr int most_pieces = 1000;  // looked at for one answer
  const InodeRef inode = TRY(volume_->inodes().find(file));
  TRY(check_regular(*inode));
  const std::uint64_t block_bytes = volume_->block_bytes();
  FileMap map(*volume_, *inode);
  FileExtent found;
  std::uint64_t block = offset / block_bytes;
  if (block >= max_file_blocks) return fail(Error::TooBig);
  for (int piece = 0; piece < most_pieces && block < max_file_blocks; ++piece) {
    const Mapping mapping = TRY(map.find(block));
    const bool has_data = mapping.physical != 0 && mapping.written == Written::Yes;
    if (piece == 0) found.has_data = has_data;
    if (has_data != found.has_data) break;
    block += mapping.count;
    found.end = block * block_bytes;
  }
  return found;
}

}  // namespace ext4

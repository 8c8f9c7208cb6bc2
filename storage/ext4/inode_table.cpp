// SPDX-License-Identifier: Apache-2.0
// Inodes in memory: see inode_table.h.
#include "storage/ext4/inode_table.h"

#include <algorithm>
#include <cstring>

#include "storage/ext4/errors.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;

namespace {
constexpr std::size_t max_inodes = 8192;                   // that are not held; half a KiB each
constexpr std::size_t max_index_bytes = 16 * 1024 * 1024;  // of names, in directories not in use at the moment
constexpr std::size_t bucket_count = 8192;
constexpr std::uint32_t trim_interval = 256;  // operations, each of which adds a few inodes at most
}  // namespace

InodeTable::~InodeTable() {
  changed_.clear();
  while (!lru_.empty()) drop(lru_.front());
}

Result<> InodeTable::initialize() {
  TRY(buckets_.initialize(bucket_count));
  table_ = TRY(base::try_make<Table>(Table::bucket_traits(buckets_.data(), buckets_.size())));
  return {};
}

int InodeTable::bytes_in_memory() const { return std::min<int>(EXT2_INODE_SIZE(fs_->super), sizeof(ext2_inode_large)); }

Inode* InodeTable::find_loaded(std::uint32_t number) {
  const auto found = table_->find(number);
  if (found == table_->end()) return nullptr;
  lru_.splice(lru_.end(), lru_, lru_.iterator_to(*found));
  return &*found;
}

Result<Inode*> InodeTable::add(std::uint32_t number) {
  Inode* inode = TRY(base::try_make<Inode>(number)).release();
  lru_.push_back(*inode);
  table_->insert(*inode);
  return inode;
}

void InodeTable::drop(Inode& inode) {
  LEGO_ASSERT(inode.pins_ == 0);
  lru_.erase(lru_.iterator_to(inode));
  table_->erase(table_->iterator_to(inode));
  base::Own<Inode>(&inode).reset();
}

// What the rest of the code relies on.
Result<> InodeTable::validate(const Inode& inode) const {
  if ((inode.disk.i_flags & (EXT4_INLINE_DATA_FL | EXT4_ENCRYPT_FL | EXT4_EA_INODE_FL)) != 0)
    return fail(Error::NotSupported);
  if (inode.size() > (std::uint64_t{1} << 62)) return fail(Error::IoError);
  switch (inode.type()) {
    case storage::mode::directory:
      if (inode.size() % fs_->blocksize != 0 || inode.size() / fs_->blocksize > (std::uint64_t{1} << 21))
        return fail(Error::IoError);
      return {};
    case storage::mode::symlink:
      if (inode.size() == 0 || inode.size() >= fs_->blocksize) return fail(Error::IoError);
      return {};
    case storage::mode::regular:
    case storage::mode::block_device:
    case storage::mode::character_device:
    case storage::mode::fifo:
    case storage::mode::socket:
      return {};
    default:
      return fail(Error::IoError);
  }
}

Result<> InodeTable::load(Inode& inode) {
  TRY(check(ext2fs_read_inode_full(fs_, inode.number(), inode.library_view(), bytes_in_memory())));
  TRY(validate(inode));
  inode.committed_ = inode.disk;
  return {};
}

Result<InodeRef> InodeTable::get(std::uint32_t number) {
  if (Inode* inode = find_loaded(number)) return InodeRef(*inode);
  if (number != EXT2_ROOT_INO && number < fs_->super->s_first_ino) return fail(Error::IoError);
  if (!allocator_.inode_in_use(number)) return fail(Error::IoError);
  Inode* inode = TRY(add(number));
  if (auto result = load(*inode); !result) {
    drop(*inode);
    return fail(result.error());
  }
  return InodeRef(*inode);
}

Result<InodeRef> InodeTable::find(base::FileId file) {
  const auto number = static_cast<std::uint32_t>(file.value());
  if (find_loaded(number) == nullptr && (number != EXT2_ROOT_INO && number < fs_->super->s_first_ino))
    return fail(Error::Stale);
  if (!allocator_.inode_in_use(number)) return fail(Error::Stale);
  InodeRef inode = TRY(get(number));
  if (inode->id() != file || (inode->links() == 0 && inode->holds == 0)) return fail(Error::Stale);
  return inode;
}

Result<InodeRef> InodeTable::create(std::uint32_t parent, bool directory) {
  const std::uint32_t number = TRY(allocator_.allocate_inode(parent, directory));
  if (find_loaded(number) != nullptr) return fail(Error::IoError);  // the bitmap called one free that is in use
  // What was there before: its id must not come back.
  Inode old(number);
  const errcode_t code = ext2fs_read_inode2(fs_, number, old.library_view(), sizeof(ext2_inode), READ_INODE_NOCSUM);
  TRY(check(code));
  Inode* inode = TRY(add(number));
  inode->created_ = true;
  while (next_generation_ == old.disk.i_generation || next_generation_ == 0) ++next_generation_;
  inode->disk.i_generation = next_generation_++;
  if (EXT2_INODE_SIZE(fs_->super) > EXT2_GOOD_OLD_INODE_SIZE)
    inode->disk.i_extra_isize = sizeof(ext2_inode_large) - EXT2_GOOD_OLD_INODE_SIZE;
  change(*inode);
  return InodeRef(*inode);
}

void InodeTable::change(Inode& inode) {
  if (inode.changed_) return;
  inode.changed_ = true;
  changed_.push_back(inode);
}

void InodeTable::free(Inode& inode) {
  change(inode);
  inode.freed_ = true;
}

Result<> InodeTable::write(Inode& inode) {
  if (!inode.created_)
    return check(ext2fs_write_inode_full(fs_, inode.number(), inode.library_view(), bytes_in_memory()));
  // All of a new inode, so that nothing of an earlier one stays behind it.
  base::Array<std::byte> whole;
  TRY(whole.resize(EXT2_INODE_SIZE(fs_->super)));
  std::memset(whole.data(), 0, whole.size());
  std::memcpy(whole.data(), &inode.disk, static_cast<std::size_t>(bytes_in_memory()));
  return check(ext2fs_write_inode_full(fs_, inode.number(), reinterpret_cast<ext2_inode*>(whole.data()),
                                       static_cast<int>(whole.size())));
}

Result<> InodeTable::reload(Inode& inode) {
  change(inode);
  return check(ext2fs_read_inode_full(fs_, inode.number(), inode.library_view(), bytes_in_memory()));
}

Result<> InodeTable::prepare() {
  for (Inode& inode : changed_) TRY(write(inode));
  return {};
}

void InodeTable::commit() {
  while (!changed_.empty()) {
    Inode& inode = changed_.front();
    changed_.pop_front();
    inode.committed_ = inode.disk;
    inode.changed_ = inode.created_ = inode.names_changed = false;
    if (inode.freed_) drop(inode);
  }
}

void InodeTable::abort() {
  ext2fs_flush_icache(fs_);
  while (!changed_.empty()) {
    Inode& inode = changed_.front();
    changed_.pop_front();
    inode.disk = inode.committed_;
    inode.changed_ = inode.freed_ = false;
    if (std::exchange(inode.names_changed, false)) inode.names.reset();
    if (inode.created_) drop(inode);
  }
}

void InodeTable::trim() {
  if (++operations_ % trim_interval != 0) return;
  std::size_t index_bytes = 0;
  for (auto at = lru_.rbegin(); at != lru_.rend(); ++at) {
    if (!at->names) continue;
    index_bytes += at->names->memory_bytes();
    if (index_bytes > max_index_bytes && at->pins_ == 0) at->names.reset();
  }
  for (auto at = lru_.begin(); at != lru_.end() && lru_.size() > max_inodes;) {
    Inode& inode = *at++;
    if (inode.pins_ == 0 && inode.holds == 0) drop(inode);
  }
}

}  // namespace ext4

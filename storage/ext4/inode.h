// SPDX-License-Identifier: Apache-2.0
// An inode in memory: the disk's own layout as the operation under way sees it, the same as last committed, and what
// only lives here (holds, the index of a directory's names).
#pragma once

#include <ext2fs/ext2fs.h>

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set.hpp>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernel/base/memory.h"
#include "storage/ext4/directory_index.h"
#include "storage/file_system.h"

namespace ext4 {

struct InodeLruHook : boost::intrusive::list_base_hook<boost::intrusive::tag<struct InodeLruTag>> {};
struct InodeChangedHook : boost::intrusive::list_base_hook<boost::intrusive::tag<struct InodeChangedTag>> {};

class Inode : public InodeLruHook, public InodeChangedHook, public boost::intrusive::unordered_set_base_hook<> {
 public:
  explicit Inode(std::uint32_t number) : number_(number) {}
  Inode(const Inode&) = delete;
  Inode& operator=(const Inode&) = delete;

  std::uint32_t number() const { return number_; }
  ext2_inode_large disk{};
  // For the library's functions, which take the front part.
  ext2_inode* library_view() { return reinterpret_cast<ext2_inode*>(&disk); }

  std::uint32_t mode() const { return disk.i_mode; }
  std::uint32_t type() const { return disk.i_mode & storage::mode::type_mask; }
  bool is_directory() const { return type() == storage::mode::directory; }
  bool is_regular() const { return type() == storage::mode::regular; }
  bool is_symlink() const { return type() == storage::mode::symlink; }
  // The target is in the inode itself.
  bool is_short_symlink(std::uint32_t block_bytes) const {
    return is_symlink() && disk.i_blocks == (disk.i_file_acl != 0 ? block_bytes / 512 : 0);
  }
  bool is_device() const { return type() == storage::mode::block_device || type() == storage::mode::character_device; }
  bool has_extents() const { return (disk.i_flags & EXT4_EXTENTS_FL) != 0; }

  std::uint64_t size() const { return disk.i_size | std::uint64_t{disk.i_size_high} << 32; }
  void set_size(std::uint64_t bytes) {
    disk.i_size = static_cast<std::uint32_t>(bytes);
    disk.i_size_high = static_cast<std::uint32_t>(bytes >> 32);
  }
  std::uint32_t links() const { return disk.i_links_count; }

  base::FileId id() const { return base::FileId(std::uint64_t{disk.i_generation} << 32 | number_); }

  std::uint64_t holds = 0;
  bool linkable = false;  // made without a name, and may get one
  base::Own<DirectoryIndex> names;
  bool names_changed = false;  // by the transaction under way

 private:
  friend class InodeTable;
  friend class InodeRef;

  const std::uint32_t number_;
  ext2_inode_large committed_{};
  std::uint32_t pins_ = 0;
  bool changed_ = false;  // on the list of changed inodes
  bool created_ = false;  // by the transaction under way
  bool freed_ = false;    // by the transaction under way
};

// Keeps an inode in memory while it exists.
class InodeRef {
 public:
  InodeRef() = default;
  explicit InodeRef(Inode& inode) : inode_(&inode) { ++inode.pins_; }
  InodeRef(InodeRef&& other) noexcept : inode_(std::exchange(other.inode_, nullptr)) {}
  InodeRef& operator=(InodeRef&& other) noexcept {
    std::swap(inode_, other.inode_);
    return *this;
  }
  InodeRef(const InodeRef&) = delete;
  InodeRef& operator=(const InodeRef&) = delete;
  ~InodeRef() {
    if (inode_ != nullptr) --inode_->pins_;
  }
  explicit operator bool() const { return inode_ != nullptr; }
  Inode& operator*() const { return *inode_; }
  Inode* operator->() const { return inode_; }

 private:
  Inode* inode_ = nullptr;
};

}  // namespace ext4

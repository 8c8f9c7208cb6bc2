// SPDX-License-Identifier: Apache-2.0
// A file, directory, link or device of a vNode's tree, whichever file system it is in: Linux's inode. Operations that a
// kind of node does not have answer as Linux's defaults do. Permissions are checked by the callers (path walk, calls),
// existence and types by the nodes.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/base/array.h"
#include "linux-abi/abi/errno.h"
#include "linux-abi/files/caller.h"
#include "linux-abi/files/open_file.h"
#include "linux-abi/files/status.h"
#include "net/messages/xattr.h"
#include "processor/reference.h"

namespace linux_abi {

class Node;
class Place;
using NodeReference = processor::Reference<Node>;

namespace file_mode {
inline constexpr std::uint32_t type_mask = 0170000, fifo = 0010000, character = 0020000, directory = 0040000,
                               block = 0060000, regular = 0100000, link = 0120000, socket = 0140000;
inline constexpr std::uint32_t permissions = 07777, set_uid = 04000, set_gid = 02000, sticky = 01000;
}  // namespace file_mode

// What to change; times in nanoseconds since 1970.
struct AttributeChange {
  bool set_mode = false, set_uid = false, set_gid = false, set_access_time = false, set_modify_time = false;
  std::uint32_t mode = 0, uid = 0, gid = 0;
  std::uint64_t access_time_ns = 0, modify_time_ns = 0;
};

struct FileSystemStatus {
  std::uint64_t type = 0, block_bytes = 4096, blocks = 0, free_blocks = 0, available_blocks = 0, files = 0,
                free_files = 0, id = 0;
  bool read_only = false;
};

class Node : public processor::Counted {
 public:
  // The type bits of the mode; constant.
  std::uint32_t type() const { return type_; }
  bool is_directory() const { return type_ == file_mode::directory; }
  bool is_link() const { return type_ == file_mode::link; }

  virtual Answer<FileStatus> status(Caller& caller) = 0;
  virtual Answer<> change(const AttributeChange& change, Caller& caller);  // EPERM
  virtual Answer<> truncate(std::uint64_t bytes, Caller& caller);          // EINVAL
  // A process runs it as its program: it is not to be written to.
  virtual bool is_executed() const { return false; }
  virtual bool is_written() const { return false; }  // somebody has it open for writing
  // flags: O_*, creation flags removed. `place` is where it was found.
  virtual Answer<OpenFileReference> open(int flags, processor::Reference<Place> place, Caller& caller) = 0;
  virtual Answer<FileSystemStatus> file_system(Caller& caller) = 0;

  // Directories. ENOTDIR, EPERM or EROFS where there is no such thing.
  virtual Answer<NodeReference> look_up(std::string_view name, Caller& caller);
  virtual Answer<NodeReference> create(std::string_view name, std::uint32_t mode, std::uint64_t device, Caller& caller);
  // A file without a name; linkable: link() may give it one. EOPNOTSUPP.
  virtual Answer<NodeReference> create_unnamed(std::uint32_t mode, bool linkable, Caller& caller);
  virtual Answer<> create_link(std::string_view name, std::string_view target, Caller& caller);
  virtual Answer<> link(std::string_view name, Node& node, Caller& caller);
  virtual Answer<> unlink(std::string_view name, bool directory, Caller& caller);
  virtual Answer<> rename(std::string_view name, Node& new_directory, std::string_view new_name, std::uint32_t flags,
                          Caller& caller);
  // Something else changed the node's attributes (its name was moved or replaced): what is known of them is old.
  virtual void attributes_changed() {}
  // Extended attributes: all, as a list of messages/xattr.h; and changing one (ENODATA, EEXIST, ENOSPC). EOPNOTSUPP.
  virtual Answer<base::Array<std::byte>> xattrs(Caller& caller);
  virtual Answer<> set_xattr(std::string_view name, std::span<const std::byte> value, messages::XattrChange change,
                             Caller& caller);
  // Whether names looked up here may be remembered.
  virtual bool names_are_stable() const { return true; }

  // Symbolic links; EINVAL. A link that is not text but leads somewhere (/proc/self/exe): where; empty otherwise.
  virtual Answer<base::Array<char>> read_link(Caller& caller);
  virtual Answer<processor::Reference<Place>> follow(Caller& caller);

  // The process whose directory of /proc it is, by its pid; 0: of none.
  virtual int process() const { return 0; }

  // How many have it open, and whether its last name is gone: with both it is gone for good (inotify tells).
  void add_open() { opens_.fetch_add(1, std::memory_order_relaxed); }
  bool drop_open() { return opens_.fetch_sub(1, std::memory_order_acq_rel) == 1; }  // true: the last
  std::uint32_t opens() const { return opens_.load(std::memory_order_acquire); }
  bool is_open() const { return opens_.load(std::memory_order_acquire) != 0; }
  void set_nameless() { nameless_.store(true, std::memory_order_release); }  // pairs with the acquire in is_nameless
  bool is_nameless() const { return nameless_.load(std::memory_order_acquire); }

  // Of a directory: over how many names of it something is mounted.
  void add_mount() { mounts_.fetch_add(1, std::memory_order_relaxed); }
  void drop_mount() { mounts_.fetch_sub(1, std::memory_order_relaxed); }
  bool has_mounts() const { return mounts_.load(std::memory_order_relaxed) != 0; }

  // Nodes of different file systems have different domains (EXDEV).
  virtual const void* domain() const = 0;

  void last_reference_gone() { destroy(); }
  virtual ~Node() = default;  // by destroy() alone

 protected:
  explicit Node(std::uint32_t type) : type_(type & file_mode::type_mask) {}
  virtual void destroy() = 0;

 private:
  std::uint32_t type_;
  std::atomic<std::uint32_t> opens_{0};
  std::atomic<std::uint32_t> mounts_{0};
  std::atomic<bool> nameless_{false};
};

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// The names and attributes of a file system that lives in memory (Linux's tmpfs): no disk, no messages, gone with its
// mComponent. What files contain is not here: that is their page cache, whose pages never leave it. Semantics are
// Linux's, without permission checks, which the pComponent makes. Files are named by FileIds, never reused; an id whose
// file is gone is Stale. A file without a name lives on while it is held.
#pragma once

#include <boost/intrusive/set.hpp>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/base/memory.h"
#include "kernel/base/types.h"
#include "net/messages/file.h"
#include "net/messages/xattr.h"

namespace memory {

class MemoryTree {
 public:
  using FileAttributes = messages::FileAttributes;

  // At most `max_files` files, as tmpfs's nr_inodes. NoMemory.
  static base::Result<base::Own<MemoryTree>> create(std::uint32_t root_permissions, std::uint64_t max_files,
                                                    std::uint64_t now_ns);
  explicit MemoryTree(std::uint64_t max_files);  // by create() alone
  MemoryTree(const MemoryTree&) = delete;
  MemoryTree& operator=(const MemoryTree&) = delete;
  ~MemoryTree();

  base::FileId root() const;
  std::uint64_t max_files() const { return max_files_; }
  base::Result<> set_max_files(std::uint64_t max_files);  // InvalidArgument: there are more already
  std::uint64_t files() const;
  // What counts against max_files: files, and as in Linux's tmpfs each further name of one.
  std::uint64_t used_files() const { return files() + further_names_; }

  base::Result<FileAttributes> look_up(std::uint64_t directory, std::string_view name);
  base::Result<FileAttributes> attributes(std::uint64_t file);
  base::Result<FileAttributes> set_attributes(const messages::FileSetAttributesRequest& change, std::uint64_t now_ns);
  // The type is that of the mode. NoSpace: there are max_files.
  base::Result<FileAttributes> create_file(const messages::FileCreateRequest& request, std::string_view name,
                                           std::string_view target, std::uint64_t now_ns);
  // The attributes are those of the file that lost the name.
  base::Result<FileAttributes> unlink(std::uint64_t directory, std::string_view name, bool remove_directory,
                                      std::uint64_t now_ns);
  // Returns what lost its name by it, if anything did.
  base::Result<std::optional<FileAttributes>> rename(const messages::FileRenameRequest& request, std::string_view name,
                                                     std::string_view new_name, std::uint64_t now_ns);
  base::Result<FileAttributes> link(std::uint64_t file, std::uint64_t directory, std::string_view name,
                                    std::uint64_t now_ns);
  base::Result<std::string_view> read_link(std::uint64_t file);
  // Entries after `cookie`, as many as fit; "." and ".." come first.
  base::Result<messages::FileReadDirectoryReply> read_directory(std::uint64_t directory, std::uint64_t cookie,
                                                                std::span<std::byte> to);
  // Extended attributes: all of a file's, as a list of messages/xattr.h, good until the next change; and changing one.
  base::Result<std::span<const std::byte>> xattrs(std::uint64_t file);
  base::Result<FileAttributes> set_xattr(const messages::FileSetXattrRequest& request, std::string_view name,
                                         std::span<const std::byte> value, std::uint64_t now_ns);
  base::Result<FileAttributes> hold(std::uint64_t file);
  base::Result<> release(std::uint64_t file);

 private:
  struct File;
  struct Entry;
  struct IdOf {
    using type = std::uint64_t;
    type operator()(const File& file) const;
  };
  using Files = boost::intrusive::set<File, boost::intrusive::key_of_value<IdOf>,
                                      boost::intrusive::base_hook<boost::intrusive::set_base_hook<>>>;

  base::Result<File*> make_file(std::uint32_t mode, std::uint64_t now_ns);
  base::Result<FileAttributes> create_unnamed(const messages::FileCreateRequest& request, const File& directory,
                                              std::uint64_t now_ns);
  static void set_owner(File& file, const File& directory, const messages::FileCreateRequest& request);
  base::Result<File*> find(std::uint64_t id);
  base::Result<File*> find_directory(std::uint64_t id);
  base::Result<base::Own<Entry>> make_entry(std::string_view name, File& file);
  void insert(File& directory, base::Own<Entry> entry, std::uint64_t now_ns);
  void remove(File& directory, Entry& entry, std::uint64_t now_ns);
  void drop_name(File& file, std::uint64_t now_ns);
  void forget_if_unused(File& file);
  void forget(File& file);
  static bool lies_below(const File& file, const File& ancestor);
  static base::Result<> check_rename(const File& from, const File& source, const Entry* taken, const File& target,
                                     std::uint32_t flags);

  Files files_;
  File* root_ = nullptr;
  std::uint64_t max_files_;
  std::uint64_t further_names_ = 0;
  // They count against nothing else, so there is a bound for all of a tree's.
  static constexpr std::uint64_t max_xattr_bytes = std::uint64_t{8} << 20;
  std::uint64_t xattr_bytes_ = 0;
  std::uint64_t last_id_ = 0;
  std::uint64_t last_cookie_ = 2;  // "." and ".." have 1 and 2
};

}  // namespace memory

// SPDX-License-Identifier: Apache-2.0
// What a MemoryTree is made of: files, and the entries of directories, found by name and in the order of their cookies.
#pragma once

#include "memory/tmpfs/tree.h"

namespace memory {

struct ByName;
struct ByCookie;

struct MemoryTree::Entry : boost::intrusive::set_base_hook<boost::intrusive::tag<ByName>>,
                           boost::intrusive::set_base_hook<boost::intrusive::tag<ByCookie>> {
  explicit Entry(File& named) : file(&named) {}
  std::string_view name() const { return {text.data(), text.size()}; }

  struct NameOf {
    using type = std::string_view;
    type operator()(const Entry& entry) const { return entry.name(); }
  };
  struct CookieOf {
    using type = std::uint64_t;
    type operator()(const Entry& entry) const { return entry.cookie; }
  };

  base::Array<char> text;
  std::uint64_t cookie = 0;
  File* file;
};

struct MemoryTree::File : boost::intrusive::set_base_hook<> {
  template <typename Tag, typename Key>
  using Entries =
      boost::intrusive::set<Entry, boost::intrusive::key_of_value<Key>,
                            boost::intrusive::base_hook<boost::intrusive::set_base_hook<boost::intrusive::tag<Tag>>>>;

  bool is_directory() const { return messages::file_type(attributes.mode) == messages::FileType::Directory; }
  Entry* find_entry(std::string_view name) {
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : &*found;
  }

  FileAttributes attributes{};
  bool held = false;
  bool linkable = false;     // made without a name, and may get one
  base::Array<char> target;  // of a symbolic link
  base::Array<std::byte> xattrs;
  // Directories:
  File* parent = nullptr;  // itself at the root; nullptr: removed
  Entries<ByName, Entry::NameOf> by_name;
  Entries<ByCookie, Entry::CookieOf> by_cookie;
};

}  // namespace memory

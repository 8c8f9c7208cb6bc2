// SPDX-License-Identifier: Apache-2.0
// Directories of texts whose names never change (/sys, /proc/sys): declared as a list of paths, from which the compiler
// makes a table in which each entry names the directory it is in by its place. The subject of a tree's DirectorySource
// is such a place; 0 is the root.
#pragma once

#include <array>
#include <span>

#include "linux-abi/files/synthetic.h"

namespace linux_abi {

struct FixedText {
  std::string_view path;      // "kernel/random/uuid"; the directories above it need no line
  WriteText write = nullptr;  // nullptr: an empty directory
  StoreText store = nullptr;  // nullptr: read-only
};

struct FixedEntry {
  int parent = -1;  // -1: the root of the tree, which is the first
  std::string_view name;
  WriteText write = nullptr;  // nullptr: a directory
  StoreText store = nullptr;
};

// `source`: that of the tree's directories.
Answer<NodeReference> find_fixed(std::span<const FixedEntry> entries, const DirectorySource& source,
                                 std::string_view name, int directory);
// Cookies are places in the table.
bool list_fixed(std::span<const FixedEntry> entries, std::uint64_t cookie, int directory, ListedEntry& entry);

template <std::size_t capacity>
class FixedEntries {
 public:
  consteval explicit FixedEntries(std::span<const FixedText> texts) {
    for (const FixedText& text : texts) {
      FixedEntry& entry = entries_[static_cast<std::size_t>(place(text.path))];
      entry.write = text.write;
      entry.store = text.store;
    }
  }
  constexpr std::size_t size() const { return used_; }
  constexpr std::span<const FixedEntry> span() const { return std::span(entries_).first(used_); }

 private:
  // Of what is at a path, made with all that is above it.
  consteval int place(std::string_view path) {
    int at = 0;
    while (!path.empty()) {
      const std::string_view name = path.substr(0, path.find('/'));
      path.remove_prefix(std::min(path.size(), name.size() + 1));
      at = child(at, name);
    }
    return at;
  }
  consteval int child(int parent, std::string_view name) {
    for (std::size_t i = 1; i < used_; ++i)
      if (entries_[i].parent == parent && entries_[i].name == name) return static_cast<int>(i);
    entries_[used_] = {.parent = parent, .name = name};
    return static_cast<int>(used_++);
  }

  std::array<FixedEntry, capacity> entries_{};
  std::size_t used_ = 1;
};

// `texts`: an array of FixedText.
template <const auto& texts>
struct FixedTree {
 private:
  static constexpr std::size_t deepest = 6;
  static constexpr FixedEntries<1 + std::size(texts) * deepest> all{texts};

 public:
  static constexpr FixedEntries<all.size()> entries{texts};
  static Answer<NodeReference> find(std::string_view name, int directory, Caller&) {
    return find_fixed(entries.span(), source, name, directory);
  }
  static bool list(std::uint64_t cookie, int directory, Caller&, ListedEntry& entry) {
    return list_fixed(entries.span(), cookie, directory, entry);
  }
  static constexpr DirectorySource source{find, list, true};
};

// The place of the directory of this name, of which there is one.
consteval int fixed_directory(std::span<const FixedEntry> entries, std::string_view name) {
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (entries[i].name == name && entries[i].write == nullptr) return static_cast<int>(i);
  return -1;
}

}  // namespace linux_abi

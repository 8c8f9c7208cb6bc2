// SPDX-License-Identifier: Apache-2.0
// Directories of texts whose names never change (/sys, /proc/sys), as one table: each entry names the directory it is
// in by its place in the table. For the `find` and `list` of a DirectorySource, whose subject is such a place.
#pragma once

#include <span>

#include "linux-abi/files/synthetic.h"

namespace linux_abi {

struct FixedEntry {
  int parent;  // -1: the root of the tree, which is the first
  std::string_view name;
  WriteText write = nullptr;  // nullptr: a directory
  StoreText store = nullptr;  // nullptr: read-only
};

// `source`: that of the tree's directories.
Answer<NodeReference> find_fixed(std::span<const FixedEntry> entries, const DirectorySource& source,
                                 std::string_view name, int directory);
// Cookies are places in the table.
bool list_fixed(std::span<const FixedEntry> entries, std::uint64_t cookie, int directory, ListedEntry& entry);

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Everything in a file system, by path; for comparing two of them, or one with a model.
#pragma once

#include <map>
#include <string>

#include "storage/file_system.h"

namespace ext4::testing {

struct TreeFile {
  base::FileId id;
  std::uint32_t type = 0;
  std::uint32_t links = 0;
  std::string data;  // or the target of a symbolic link

  bool operator==(const TreeFile&) const = default;
};
using Tree = std::map<std::string, TreeFile>;

// Throws if anything cannot be read.
Tree read_tree(storage::FileSystem& system);

// The first difference in words; empty if there is none. `with_data`: the bytes of regular files too, not only how
// many.
std::string difference(const Tree& left, const Tree& right, bool with_data);

}  // namespace ext4::testing

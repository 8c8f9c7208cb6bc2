// SPDX-License-Identifier: Apache-2.0
// Directories of fixed names: see fixed_tree.h.
#include "linux-abi/files/fixed_tree.h"

namespace linux_abi {

Answer<NodeReference> find_fixed(std::span<const FixedEntry> entries, const DirectorySource& source,
                                 std::string_view name, int directory) {
  for (std::size_t i = 1; i < entries.size(); ++i) {
    const FixedEntry& entry = entries[i];
    if (entry.parent != directory || entry.name != name) continue;
    if (entry.write == nullptr) return make_directory(source, static_cast<int>(i));
    return make_text(entry.write, 0, entry.store != nullptr ? 0644 : 0444, entry.store);
  }
  return error(ENOENT);
}

bool list_fixed(std::span<const FixedEntry> entries, std::uint64_t cookie, int directory, ListedEntry& entry) {
  for (std::size_t i = cookie + 1; i < entries.size(); ++i) {
    if (entries[i].parent != directory) continue;
    return entry.set(entries[i].name, entries[i].write != nullptr ? entry_type::regular : entry_type::directory, i);
  }
  return false;
}

}  // namespace linux_abi

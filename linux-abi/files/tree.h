// SPDX-License-Identifier: Apache-2.0
// The inside of a vNode's tree of files (file_tree.h), for what walks it.
#pragma once

#include "linux-abi/files/file_tree.h"
#include "linux-abi/files/home_file_system.h"
#include "linux-abi/files/name_cache.h"
#include "linux-abi/files/place.h"

namespace linux_abi {

PlaceReference root_of(FileTree& tree);
NameCache& name_cache_of(FileTree& tree);
HomeFileSystem& home_system_of(FileTree& tree);
// Writes everything back to the homes of the files.
Answer<> flush_files(FileTree& tree, processor::Sleeper& sleeper);
// The file systems in memory: where, and st_dev.
struct MemoryMountPoint {
  std::string_view path;
  std::uint64_t device = 0;
};
std::span<const MemoryMountPoint> memory_mounts_of(FileTree& tree);
// memfd_create(2): a file in memory without a name, open for reading and writing. `label` is what /proc shows.
Answer<OpenFileReference> create_unnamed(FileTree& tree, std::string_view label, std::uint32_t seals, Caller& caller);
// What is mounted over the name in this directory; empty: nothing.
PlaceReference mounted_at(FileTree& tree, const PlaceReference& directory, std::string_view name);

}  // namespace linux_abi

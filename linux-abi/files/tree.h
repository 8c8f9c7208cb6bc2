// SPDX-License-Identifier: Apache-2.0
// The inside of a vNode's tree of files (file_tree.h), for what walks it.
#pragma once

#include "linux-abi/files/file_tree.h"
#include "linux-abi/files/home_file_system.h"
#include "linux-abi/files/mount_options.h"
#include "linux-abi/files/mount_table.h"
#include "linux-abi/files/name_cache.h"
#include "linux-abi/files/place.h"

namespace linux_abi {

class LoopDevices;

PlaceReference root_of(FileTree& tree);
NameCache& name_cache_of(FileTree& tree);
HomeFileSystem& home_system_of(FileTree& tree);
// Writes everything back to the homes of the files.
Answer<> flush_files(FileTree& tree, processor::Sleeper& sleeper);
LoopDevices& loop_devices_of(FileTree& tree);
// What is mounted where.
MountTable& mounts_of(FileTree& tree);
// File systems for it, with its mutex held (or before anybody else has the tree): their roots, as nobody has them yet.
struct SystemRoot {
  MountedSystemReference system;
  NodeReference root;
};
Answer<SystemRoot> new_memory_system(FileTree& tree, const MemoryOptions& options, processor::Sleeper& sleeper);
Answer<SystemRoot> new_made_system(FileTree& tree, std::string_view type);  // proc, sysfs, devtmpfs
// Ends the systems that nobody uses any more; with the table's mutex held.
void sweep_systems(FileTree& tree, processor::Sleeper& sleeper);
// memfd_create(2): a file in memory without a name, open for reading and writing. `label` is what /proc shows.
Answer<OpenFileReference> create_unnamed(FileTree& tree, std::string_view label, std::uint32_t seals, Caller& caller);
// The node of a file that its id is known of, if any file system of the tree knows it.
processor::Reference<HomeNode> known_file(FileTree& tree, std::uint64_t id);
// What is mounted over the name in this directory; empty: nothing.
PlaceReference mounted_at(FileTree& tree, const PlaceReference& directory, std::string_view name);

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// What mount(2) and umount2(2) do to a vNode's tree, once the caller's rights were checked. There are tmpfs (and ramfs,
// which is the same here), proc, sysfs and devtmpfs; file systems on block devices cannot be mounted.
#pragma once

#include "linux-abi/files/caller.h"
#include "linux-abi/files/mount.h"
#include "linux-abi/files/place.h"
#include "linux-abi/files/tree.h"

namespace linux_abi {

struct MountText {
  std::string_view source, type, options;
};

bool is_mountable(std::string_view type);
bool is_mount_root(Place& place);
bool is_memory_system(std::string_view type);  // tmpfs and ramfs

// What mount_new does in two steps: a file system that is mounted nowhere, and a mount of it that is in no place yet.
// The place is the mount's root, and has no parent.
Answer<SystemRoot> make_unmounted(Caller& caller, const MountText& text, bool read_only);
Answer<PlaceReference> mount_nowhere(Caller& caller, MountedSystemReference system, NodeReference root,
                                     std::uint32_t flags);
enum class Below : std::uint8_t { No, Yes };
// open_tree(2): a second mount of what is at `source`, in no place. Below::Yes: EINVAL if something is mounted in
// there.
Answer<PlaceReference> copy_mount(Caller& caller, const PlaceReference& source, Below below);
// Whether the place is the root of a mount that is in no place.
bool is_nowhere(Caller& caller, Place& root);
// Such a mount gets a place.
Answer<> attach_mount(Caller& caller, const PlaceReference& root, const PlaceReference& at);
// Of a file system, wherever it is mounted: EBUSY (somebody writes to it), EINVAL. Empty options: they stay.
Answer<> change_system(Caller& caller, MountedSystem& system, std::string_view options, bool read_only);
// mount_setattr: flags of this mount, and with Below::Yes of those below it. EBUSY: somebody writes to it.
struct FlagChange {
  std::uint32_t set = 0, clear = 0;
};

Answer<> mount_new(Caller& caller, const PlaceReference& at, const MountText& text, std::uint32_t flags);
// MS_BIND: what is at `source` (and with Below::Yes what is mounted in it) is seen at another place, too.
Answer<> mount_again(Caller& caller, const PlaceReference& source, const PlaceReference& at, Below below);
Answer<> move_mount(Caller& caller, const PlaceReference& root, const PlaceReference& at);
// MS_REMOUNT, of the file system; OfMount: of this mount alone.
Answer<> change_flags(Caller& caller, const PlaceReference& root, const FlagChange& change, Below below);
enum class Remount : std::uint8_t { OfSystem, OfMount };
Answer<> remount(Caller& caller, const PlaceReference& root, std::string_view options, std::uint32_t flags,
                 Remount what);
enum class Unmounting : std::uint8_t { Unused, Expired, Lazy };
// `root` is the only reference that the caller has. EINVAL, EBUSY, EAGAIN.
Answer<> unmount(Caller& caller, PlaceReference root, Unmounting how);

}  // namespace linux_abi

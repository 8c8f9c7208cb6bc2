// SPDX-License-Identifier: Apache-2.0
// What mount(2) and umount2(2) do to a vNode's tree, once the caller's rights were checked. There are tmpfs (and ramfs,
// which is the same here), proc, sysfs and devtmpfs; file systems on block devices cannot be mounted.
#pragma once

#include "linux-abi/files/caller.h"
#include "linux-abi/files/mount.h"
#include "linux-abi/files/place.h"

namespace linux_abi {

struct MountText {
  std::string_view source, type, options;
};

bool is_mountable(std::string_view type);
bool is_mount_root(Place& place);

Answer<> mount_new(Caller& caller, const PlaceReference& at, const MountText& text, std::uint32_t flags);
enum class Below : std::uint8_t { No, Yes };
// MS_BIND: what is at `source` (and with Below::Yes what is mounted in it) is seen at another place, too.
Answer<> mount_again(Caller& caller, const PlaceReference& source, const PlaceReference& at, Below below);
Answer<> move_mount(Caller& caller, const PlaceReference& root, const PlaceReference& at);
// MS_REMOUNT, of the file system; OfMount: of this mount alone.
enum class Remount : std::uint8_t { OfSystem, OfMount };
Answer<> remount(Caller& caller, const PlaceReference& root, std::string_view options, std::uint32_t flags,
                 Remount what);
enum class Unmounting : std::uint8_t { Unused, Expired, Lazy };
// `root` is the only reference that the caller has. EINVAL, EBUSY, EAGAIN.
Answer<> unmount(Caller& caller, PlaceReference root, Unmounting how);

}  // namespace linux_abi

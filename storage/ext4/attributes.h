// SPDX-License-Identifier: Apache-2.0
// Between an inode on the disk and the attributes that requests speak of.
#pragma once

#include "storage/ext4/volume.h"

namespace ext4 {

storage::Attributes attributes_of(Volume& volume, const Inode& inode);
// As they are once the inode has lost a name; a directory has no other.
storage::Attributes attributes_without_a_name(Volume& volume, const Inode& inode, storage::Time now);

// The caller has told the inode table that the inode changes.
void set_access_time(Volume& volume, Inode& inode, storage::Time time);
void set_modify_time(Volume& volume, Inode& inode, storage::Time time);
void set_change_time(Volume& volume, Inode& inode, storage::Time time);
void set_creation_time(Volume& volume, Inode& inode, storage::Time time);
void set_owner(Inode& inode, std::uint32_t uid, std::uint32_t gid);
void set_device(Inode& inode, std::uint64_t device);

}  // namespace ext4

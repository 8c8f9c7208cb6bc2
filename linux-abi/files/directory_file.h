// SPDX-License-Identifier: Apache-2.0
// An open directory of the vNode's root file system: getdents64 from the home's entries, a buffer at a time.
#pragma once

#include "linux-abi/files/home_node.h"
#include "linux-abi/files/place.h"

namespace linux_abi {

Answer<OpenFileReference> open_directory(HomeNode& node, int flags, PlaceReference place);

// One linux_dirent64 into `to`; 0 if it does not fit.
std::size_t put_directory_entry(std::span<std::byte> to, std::uint64_t inode, std::uint64_t cookie, std::uint8_t type,
                                std::string_view name);

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// open(2): finding or making a file by its path, with all its flags.
#pragma once

#include "linux-abi/files/path_walk.h"

namespace linux_abi {

// resolve: Resolution::Flag, of openat2(2).
Answer<OpenFileReference> open_at(Caller& caller, int directory_descriptor, std::string_view path, int flags,
                                  std::uint32_t mode, std::uint32_t resolve = 0);

// As open(2) opens what is there already, once its path was followed.
Answer<OpenFileReference> open_found(Caller& caller, PlaceReference place, int flags);
// O_PATH, of a place that is known.
Answer<OpenFileReference> open_place(PlaceReference place);

}  // namespace linux_abi

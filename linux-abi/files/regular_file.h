// SPDX-License-Identifier: Apache-2.0
// An open regular file of the vNode's root file system: a position over the lines of its SharedObject.
#pragma once

#include "linux-abi/files/home_node.h"
#include "linux-abi/files/place.h"

namespace linux_abi {

Answer<OpenFileReference> open_regular(HomeNode& node, int flags, PlaceReference place, Caller& caller);

}  // namespace linux_abi

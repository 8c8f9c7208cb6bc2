// SPDX-License-Identifier: Apache-2.0
// What /proc/self/fd/N leads to when N is a pipe, a terminal or another file without a place in the tree: a node whose
// attributes are the open file's, and which opens it anew (`echo text > /dev/stderr`).
#pragma once

#include "linux-abi/files/place.h"

namespace linux_abi {

Answer<PlaceReference> place_of_descriptor(OpenFileReference file, Caller& caller);

}  // namespace linux_abi

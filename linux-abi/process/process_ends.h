// SPDX-License-Identifier: Apache-2.0
// Who waits for processes to end without being their parents: whoever polls pidfds. All are told of every end on this
// pComponent, and look whether it concerns them.
#pragma once

#include "linux-abi/files/poll_source.h"

namespace linux_abi {

inline PollSource process_ends;

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// eventfd's open file around an EventCounter.
#pragma once

#include "linux-abi/files/event_counter.h"
#include "linux-abi/files/open_file.h"

namespace linux_abi {

// flags: O_NONBLOCK.
Answer<OpenFileReference> make_event_file(std::uint32_t count, EventCounter::Takes takes, int flags);

}  // namespace linux_abi

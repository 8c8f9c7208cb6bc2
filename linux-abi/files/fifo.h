// SPDX-License-Identifier: Apache-2.0
// Pipes, and named pipes (fifos): those of one file meet in one pipe while somebody has it open.
#pragma once

#include "linux-abi/files/place.h"

namespace linux_abi {

// O_RDONLY waits for a writer and O_WRONLY for a reader, unless O_NONBLOCK; ENXIO for a writer without one then.
Answer<OpenFileReference> open_fifo(std::uint64_t device, std::uint64_t file, int flags, PlaceReference place,
                                    Caller& caller);

struct PipeEnds {
  OpenFileReference reader;
  OpenFileReference writer;
};
// flags: O_NONBLOCK.
Answer<PipeEnds> make_pipe(int flags);

}  // namespace linux_abi

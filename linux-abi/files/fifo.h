// SPDX-License-Identifier: Apache-2.0
// Pipes, and named pipes (fifos): those of one file meet in one pipe while somebody has it open.
#pragma once

#include "linux-abi/files/pipe_buffer.h"
#include "linux-abi/files/place.h"

namespace linux_abi {

// O_RDONLY waits for a writer and O_WRONLY for a reader, unless O_NONBLOCK; ENXIO for a writer without one then.
Answer<OpenFileReference> open_fifo(std::uint64_t device, std::uint64_t file, int flags, PlaceReference place,
                                    Caller& caller);

struct PipeEnds {
  OpenFileReference reader;
  OpenFileReference writer;
};
// What pipes of this user's have at first.
std::size_t first_capacity(const Credentials& user);
// flags: O_NONBLOCK, O_DIRECT.
Answer<PipeEnds> make_pipe(int flags, std::size_t capacity = pipe_default_bytes);

}  // namespace linux_abi

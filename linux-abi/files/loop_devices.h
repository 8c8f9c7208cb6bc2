// SPDX-License-Identifier: Apache-2.0
// /dev/loop-control and /dev/loopN (loop(4)): block devices whose contents are a file's. A vNode has eight; nothing can
// be mounted from them, for file systems on block devices are the sComponent's.
#pragma once

#include <array>

#include "kernel/threads/mutex.h"
#include "linux-abi/files/open_file.h"
#include "linux-abi/files/place.h"

namespace linux_abi {

class LoopDevices {
 public:
  static constexpr std::uint32_t count = 8;
  struct Loop {
    OpenFileReference backing;  // empty: free
    std::uint64_t offset = 0, size_limit = 0;
    std::uint32_t flags = 0;  // LO_FLAGS_*
    bool read_only = false;
    bool clears = false;  // LO_FLAGS_AUTOCLEAR
    std::uint32_t opens = 0;
    std::array<char, 64> name{};
    std::uint64_t device = 0, inode = 0;
  };
  threads::Mutex mutex;  // guards all
  std::array<Loop, count> loops;
};

// As it is now: whole sectors of the file behind the offset, up to the limit; 0: it is free.
Answer<std::uint64_t> loop_bytes(LoopDevices& devices, std::uint32_t number, Caller& caller);

// number: of /dev/loopN.
Answer<OpenFileReference> open_loop(std::uint32_t number, int flags, PlaceReference place, Caller& caller);
Answer<OpenFileReference> open_loop_control(int flags, PlaceReference place, Caller& caller);

}  // namespace linux_abi

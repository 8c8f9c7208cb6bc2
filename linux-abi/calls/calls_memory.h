// SPDX-License-Identifier: Apache-2.0
// Handlers of the calls about memory.
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi::calls {

Answer<std::uint64_t> mmap(Call& call);
Answer<std::uint64_t> munmap(Call& call);
Answer<std::uint64_t> mprotect(Call& call);
Answer<std::uint64_t> mremap(Call& call);
Answer<std::uint64_t> madvise(Call& call);
Answer<std::uint64_t> brk(Call& call);
Answer<std::uint64_t> mincore(Call& call);
Answer<std::uint64_t> msync(Call& call);
Answer<std::uint64_t> mlock(Call& call);
Answer<std::uint64_t> mlock2(Call& call);
Answer<std::uint64_t> munlock(Call& call);
Answer<std::uint64_t> mlockall(Call& call);
Answer<std::uint64_t> munlockall(Call& call);
Answer<std::uint64_t> membarrier(Call& call);

}  // namespace linux_abi::calls

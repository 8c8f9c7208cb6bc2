// SPDX-License-Identifier: Apache-2.0
// Handlers of the calls about memory.
#pragma once

#include "kernel/vma/vma.h"
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

// Of a process that locks memory; calls_memory_locks.cpp. Before a mapping is made (locked: by MAP_LOCKED): EPERM,
// EAGAIN. Afterwards, and after one was taken away.
Answer<> check_locked_mapping(Call& call, std::uint64_t bytes, bool locked);
bool note_mapping(Call& call, const vma::Range& range, bool locked);  // whether it is locked
void note_unmapping(Call& call, const vma::Range& range);
bool is_locked(Call& call, const vma::Range& range);  // some of it

// Of what is locked, or MAP_POPULATE: as many of the pages as can be had.
void populate_mapping(Call& call, const vma::Range& range);

}  // namespace linux_abi::calls

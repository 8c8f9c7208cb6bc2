// SPDX-License-Identifier: Apache-2.0
// What futexes need when a thread ends or gives up its memory: the robust list, and the word of CLONE_CHILD_CLEARTID.
#pragma once

namespace linux_abi {

class Thread;

// In the thread's own context, its address space still loaded. May sleep.
void release_futexes_at_thread_end(Thread& thread);

}  // namespace linux_abi

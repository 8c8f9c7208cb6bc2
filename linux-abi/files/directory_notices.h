// SPDX-License-Identifier: Apache-2.0
// Directory notification (F_NOTIFY of fcntl(2)): a process is told by a signal of what happens in a directory that it
// has open. A notice is of one process and one open file; it ends when the process closes any descriptor of the file.
// Who hears of it, and with which signal, is the file's owner (file_owner.h). One list for all; lock rank Process.
#pragma once

#include <cstdint>

#include "linux-abi/files/open_file.h"

namespace linux_abi {

class Thread;

// DN_* of linux/fcntl.h.
namespace notice {
inline constexpr std::uint32_t accessed = 1, modified = 2, created = 4, removed = 8, renamed = 16, attributes = 32,
                               every_time = 0x80000000, all = 63;
}  // namespace notice

// What of `mask` is to be told, besides what was asked for before; of nothing: no more notices. ENOTDIR, ENOMEM.
Answer<> set_notice(OpenFile& file, int descriptor, std::uint32_t mask, Thread& by);
// A process has closed a descriptor of the file.
void forget_notices(OpenFile& file, std::uint64_t process);
// notice::*, of something in this directory. For who tells of changes (file_watches.h).
void send_notices(const Node& directory, std::uint32_t what);

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Leases (F_SETLEASE of fcntl(2)): who holds one is told by a signal before somebody else opens or truncates the file
// in a way that it excludes, and has a while to let go of it. Opens on this pComponent only. One list for all; lock
// rank Process.
#pragma once

#include <atomic>

#include "linux-abi/files/open_file.h"

namespace linux_abi {

class Thread;

enum class LeaseKind : std::uint8_t { Read, Write, None };  // F_RDLCK, F_WRLCK, F_UNLCK

// EINVAL: not a regular file; EACCES: of another user; EAGAIN: it is open otherwise, or there is nothing to release.
Answer<> set_lease(OpenFile& file, int descriptor, LeaseKind kind, Thread& by);
// What the holder is to come down to, while it is asked to.
LeaseKind lease_of(const OpenFile& file);

// Before the file is opened or truncated: waits until that is possible. EWOULDBLOCK, or a restart code.
enum class LeaseUse : std::uint8_t { Reads, Writes };
Answer<> break_leases(const Node& node, LeaseUse use, bool non_blocking, Caller& caller);

// /proc/sys/fs/lease-break-time: how long a holder has; 0: for ever.
inline std::atomic<std::uint32_t> lease_break_seconds{45};

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Advisory locks: fcntl's on ranges, which belong to processes or to open file descriptions (F_OFD_*), and flock's on
// whole files, which belong to open file descriptions. The two kinds do not see one another. All locks of this
// pComponent are in one table, which is short.
#pragma once

#include <cstdint>

#include "kernel/base/array.h"
#include "linux-abi/files/caller.h"
#include "processor/reference.h"

namespace linux_abi {

class Node;

enum class LockKind : std::uint8_t { Shared, Exclusive };
struct LockRange {
  std::uint64_t start = 0;
  std::uint64_t end = 0;  // exclusive
};
struct LockOwner {
  std::uint64_t id = 0;  // never reused while it holds locks
  int pid = 0;           // to be shown; -1: an open file description
};
struct LockHolder {
  int pid = 0;  // 0: nobody
  LockKind kind = LockKind::Shared;
  LockRange range;
};

// Somebody else's lock that stands in the way.
LockHolder find_conflict(const Node& node, const LockOwner& owner, LockRange range, LockKind kind);
// Replaces what the owner has in the range. EAGAIN; with wait: when it is free, EDEADLK when that could never be.
Answer<> take_record_lock(Node& node, const LockOwner& owner, LockRange range, LockKind kind, bool wait,
                          Caller& caller);
Answer<> release_record_lock(Node& node, const LockOwner& owner, LockRange range);
// A process closed a descriptor of the file, or the description that is the owner ends: all its record locks on it end.
void release_record_locks(const Node& node, std::uint64_t owner);

Answer<> take_whole_lock(Node& node, const LockOwner& owner, LockKind kind, bool wait, Caller& caller);
void release_whole_lock(const Node& node, const LockOwner& owner);

// All there are, as /proc/locks shows them. ENOMEM.
struct ShownLock {
  processor::Reference<Node> node;
  int pid = 0;  // -1: an open file description
  bool whole = false;
  LockKind kind = LockKind::Shared;
  LockRange range;
};
Answer<base::Array<ShownLock>> all_locks();

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// The pids of a vNode: see pids.h.
#include "linux-abi/process/pids.h"

#include "kernel/base/assert.h"
#include "kernel/base/memory.h"

namespace linux_abi {

Pids::~Pids() {
  while (!entries_.empty()) {
    PidEntry& entry = *entries_.begin();
    entry.references = 1;
    release(entry);
  }
}

Answer<PidEntry*> Pids::allocate() {
  int pid = last_;
  for (int tries = 0; tries < max_pid; ++tries) {
    pid = pid >= max_pid - 1 ? first_pid : pid + 1;
    if (entries_.find(pid) != entries_.end()) continue;
    auto entry = base::make<PidEntry>();
    if (!entry) return error(ENOMEM);
    entry->pid = pid;
    entry->references = 1;
    last_ = pid;
    PidEntry* added = entry.release();
    entries_.insert(*added);
    return added;
  }
  return error(EAGAIN);
}

PidEntry* Pids::find(int pid) {
  const auto found = entries_.find(pid);
  return found == entries_.end() ? nullptr : &*found;
}

PidEntry* Pids::next(int pid) {
  const auto found = entries_.lower_bound(pid);
  return found == entries_.end() ? nullptr : &*found;
}

void Pids::release(PidEntry& entry) {
  LEGO_ASSERT(entry.references > 0);
  if (--entry.references > 0) return;
  entries_.erase(entries_.iterator_to(entry));
  base::Own<PidEntry>(&entry).reset();
}

}  // namespace linux_abi

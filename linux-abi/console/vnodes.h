// SPDX-License-Identifier: Apache-2.0
// The vNodes that run on this pComponent, with how many launches each has.
#pragma once

#include "kernel/base/array.h"
#include "kernel/base/spinlock.h"
#include "linux-abi/process/vnode.h"

namespace linux_abi {

class VNodes {
 public:
  // Counts a launch of it; empty if it is not known.
  processor::Reference<VNode> find(base::VNodeId id);
  // With its first launch. Without memory to note it, its next launch mounts anew.
  void add(processor::Reference<VNode> vnode);
  // A launch of it ended; for the last one its files, which are then to be unmounted.
  processor::Reference<FileTree> drop(VNode& vnode);

 private:
  struct Entry {
    processor::Reference<VNode> vnode;
    std::uint32_t launches = 0;
  };
  base::SpinLock lock_{base::LockRank::Process};  // guards entries_
  base::Array<Entry> entries_;
};

VNodes& vnodes();

}  // namespace linux_abi

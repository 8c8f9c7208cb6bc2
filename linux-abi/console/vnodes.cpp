// SPDX-License-Identifier: Apache-2.0
// The vNodes that run here: see vnodes.h.
#include "linux-abi/console/vnodes.h"

namespace linux_abi {

VNodes& vnodes() {
  static VNodes all;
  return all;
}

processor::Reference<VNode> VNodes::find(base::VNodeId id) {
  const base::SpinGuard guard(lock_);
  for (Entry& entry : entries_) {
    if (entry.vnode->id() != id) continue;
    ++entry.launches;
    return entry.vnode;
  }
  return {};
}

void VNodes::add(processor::Reference<VNode> vnode) {
  const base::SpinGuard guard(lock_);
  (void)entries_.push_back({std::move(vnode), 1});
}

processor::Reference<FileTree> VNodes::drop(VNode& vnode) {
  Entry last;
  {
    const base::SpinGuard guard(lock_);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].vnode.get() != &vnode) continue;
      if (--entries_[i].launches > 0) return {};
      last = std::move(entries_[i]);
      entries_.erase(i);
      break;
    }
  }
  return std::move(vnode.files);
}

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// A file system that a vNode has mounted: one that an sComponent stores, or one in memory, whose names are here.
#pragma once

#include "kernel/base/memory.h"
#include "kernel/base/types.h"
#include "memory/files/file_object.h"
#include "memory/tmpfs/tree.h"
#include "net/rpc/peer.h"

namespace memory {

class FileVolume {
 public:
  FileVolume(base::VNodeId vnode, rpc::Peer& storage, base::FileId root, std::uint64_t device)
      : vnode_(vnode), storage_(&storage), root_(root), device_(device) {}
  // One in memory ends with the pComponent that mounted it.
  FileVolume(base::VNodeId vnode, base::Own<MemoryTree> tree, base::NodeId mounted_by, std::uint64_t device)
      : vnode_(vnode), tree_(std::move(tree)), mounted_by_(mounted_by), root_(tree_->root()), device_(device) {}
  base::VNodeId vnode() const { return vnode_; }
  // nullptr: an sComponent stores it.
  MemoryTree* tree() const { return tree_.get(); }
  rpc::Peer& storage() const {
    LEGO_ASSERT(storage_ != nullptr);
    return *storage_;
  }
  base::NodeId mounted_by() const { return mounted_by_; }
  base::FileId root() const { return root_; }
  std::uint64_t device() const { return device_; }

  // Of one in memory.
  MemoryUse memory;
  // Unmounted: nothing new is found in it, and it goes when nobody uses it and no file of it is left.
  bool ended = false;
  std::uint32_t users = 0;
  // Keeps it across waits; a pinned file of it does so too.
  class Use {
   public:
    explicit Use(FileVolume& volume) : volume_(volume) { ++volume_.users; }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() { --volume_.users; }

   private:
    FileVolume& volume_;
  };

 private:
  base::VNodeId vnode_;
  rpc::Peer* storage_ = nullptr;
  base::Own<MemoryTree> tree_;
  base::NodeId mounted_by_;
  base::FileId root_;
  std::uint64_t device_;
};

}  // namespace memory

// SPDX-License-Identifier: Apache-2.0
// The file systems that vNodes have mounted here: for each vNode one that is stored, which is its root, and those in
// memory; and unmounted ones that requests which were under way still use.
#pragma once

#include "kernel/base/array.h"
#include "kernel/base/memory.h"
#include "memory/files/file_table.h"
#include "memory/service/rpc_file_storage.h"

namespace memory {

class FileVolumes {
 public:
  // The vNode's root file system; nullptr: none.
  FileVolume* find(base::VNodeId vnode);
  base::Result<FileVolume*> add(base::Own<FileVolume> volume);
  // Unmounts what is in memory for this pComponent, which has died.
  void end_memory_of(base::NodeId processor, FileTable& files);
  // Frees the unmounted volumes that nobody uses any more.
  void sweep(const FileTable& files);

 private:
  base::Array<base::Own<FileVolume>> volumes_;
};

}  // namespace memory

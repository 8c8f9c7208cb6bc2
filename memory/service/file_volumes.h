// SPDX-License-Identifier: Apache-2.0
// The file systems that vNodes have mounted here: one for each vNode.
#pragma once

#include "kernel/base/array.h"
#include "kernel/base/memory.h"
#include "memory/service/rpc_file_storage.h"

namespace memory {

class FileVolumes {
 public:
  FileVolume* find(base::VNodeId vnode);
  base::Result<FileVolume*> add(base::Own<FileVolume> volume);
  void remove(const FileVolume& volume);
  std::size_t count() const { return volumes_.size(); }

 private:
  base::Array<base::Own<FileVolume>> volumes_;
};

}  // namespace memory

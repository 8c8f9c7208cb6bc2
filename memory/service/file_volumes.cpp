// SPDX-License-Identifier: Apache-2.0
// The mounted file systems: see file_volumes.h.
#include "memory/service/file_volumes.h"

namespace memory {

FileVolume* FileVolumes::find(base::VNodeId vnode) {
  for (const auto& volume : volumes_)
    if (volume->vnode() == vnode) return volume.get();
  return nullptr;
}

base::Result<FileVolume*> FileVolumes::add(base::Own<FileVolume> volume) {
  FileVolume* added = volume.get();
  TRY(volumes_.push_back(std::move(volume)));
  return added;
}

void FileVolumes::remove(const FileVolume& volume) {
  for (std::size_t i = 0; i < volumes_.size(); ++i) {
    if (volumes_[i].get() != &volume) continue;
    volumes_.erase(i);
    return;
  }
}

}  // namespace memory

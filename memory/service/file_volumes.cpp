// SPDX-License-Identifier: Apache-2.0
// The mounted file systems: see file_volumes.h.
#include "memory/service/file_volumes.h"

namespace memory {

FileVolume* FileVolumes::find(base::VNodeId vnode) {
  for (const auto& volume : volumes_)
    if (volume->vnode() == vnode && !volume->ended && volume->tree() == nullptr) return volume.get();
  return nullptr;
}

base::Result<FileVolume*> FileVolumes::add(base::Own<FileVolume> volume) {
  FileVolume* added = volume.get();
  TRY(volumes_.push_back(std::move(volume)));
  return added;
}

void FileVolumes::end_memory_of(base::NodeId processor, FileTable& files) {
  for (const auto& volume : volumes_) {
    if (volume->tree() == nullptr || volume->mounted_by() != processor || volume->ended) continue;
    volume->ended = true;
    files.forget_volume(volume.get());
  }
  sweep(files);
}

void FileVolumes::sweep(const FileTable& files) {
  for (std::size_t i = 0; i < volumes_.size();) {
    const FileVolume& volume = *volumes_[i];
    if (volume.ended && volume.users == 0 && !files.knows_files_of(&volume)) {
      volumes_.erase(i);
    } else {
      ++i;
    }
  }
}

}  // namespace memory

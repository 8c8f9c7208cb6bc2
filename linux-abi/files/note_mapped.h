// SPDX-License-Identifier: Apache-2.0
// Remembers what a file that is mapped, or run as a program, is called: see mapped_files.h.
#pragma once

#include <array>

#include "linux-abi/files/mapped_files.h"
#include "linux-abi/files/open_file.h"

namespace linux_abi {

inline void note_mapped(MappedFiles& names, OpenFile& file, const processor::SharedObject& object, Caller& caller) {
  const base::ObjectId id = processor::object_id(object);
  if (names.knows(id)) return;
  const auto status = file.status(caller);
  if (!status) return;
  std::array<char, 512> path;
  names.add(id, {path.data(), file.describe(path, caller)}, status->device, status->inode);
}

}  // namespace linux_abi

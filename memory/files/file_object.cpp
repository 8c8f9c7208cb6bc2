// SPDX-License-Identifier: Apache-2.0
// A file at its home: see file_object.h.
#include "memory/files/file_object.h"

namespace memory {

PageFill* FileObject::fill_of(std::uint64_t page) {
  for (PageFill& fill : fills)
    if (fill.contains(page)) return &fill;
  return nullptr;
}

}  // namespace memory

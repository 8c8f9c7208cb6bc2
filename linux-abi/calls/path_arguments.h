// SPDX-License-Identifier: Apache-2.0
// From a call's arguments (directory descriptor, path, AT_* flags) to places and open files.
#pragma once

#include "linux-abi/calls/call.h"
#include "linux-abi/calls/user_text.h"
#include "linux-abi/files/descriptor_table.h"
#include "linux-abi/files/path_walk.h"

namespace linux_abi::calls {

// What a path, or with AT_EMPTY_PATH an empty path, named: a place, and the open file itself if it was a descriptor. A
// pipe or socket has no place.
struct Named {
  OpenFileReference file;
  PlaceReference place;
  bool by_empty_path = false;
};

enum class EmptyPath : std::uint8_t { Refused, NamesDescriptor };

Answer<Named> find_named(Call& call, int directory, std::uint64_t path, LastLink last, EmptyPath empty);
inline Answer<PlaceReference> find_place(Call& call, int directory, std::uint64_t path, LastLink last) {
  return TRY(find_named(call, directory, path, last, EmptyPath::Refused)).place;
}

// A descriptor for calls that do not take O_PATH ones: EBADF.
Answer<OpenFileReference> real_file(Call& call, std::uint64_t descriptor);

}  // namespace linux_abi::calls

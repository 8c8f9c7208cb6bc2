// SPDX-License-Identifier: Apache-2.0
// Error codes: see errors.h.
#include "storage/ext4/errors.h"

namespace ext4 {

using base::Error;

namespace {
constexpr errcode_t first_own = 0x4c4f0000;  // below libext2fs's numbers, above errno's
constexpr errcode_t own_mask = 0xffff;
constexpr errcode_t no_memory = 12, no_such_entry = 2, invalid = 22;  // errno, in a few places of the library
}  // namespace

errcode_t to_library(Error error) { return first_own + static_cast<errcode_t>(error); }

Error from_library(errcode_t code) {
  if ((code & ~own_mask) == first_own) return static_cast<Error>(code & own_mask);
  switch (code) {
    case EXT2_ET_NO_MEMORY:
    case no_memory:
      return Error::NoMemory;
    case EXT2_ET_BLOCK_ALLOC_FAIL:
    case EXT2_ET_INODE_ALLOC_FAIL:
    case EXT2_ET_EA_NO_SPACE:
      return Error::NoSpace;
    case EXT2_ET_FILE_NOT_FOUND:
    case EXT2_ET_EA_KEY_NOT_FOUND:
    case no_such_entry:
      return Error::NotFound;
    case EXT2_ET_RO_FILSYS:
      return Error::ReadOnly;
    case EXT2_ET_FILE_TOO_BIG:
      return Error::TooBig;
    case EXT2_ET_UNSUPP_FEATURE:
    case EXT2_ET_RO_UNSUPP_FEATURE:
    case EXT2_ET_UNIMPLEMENTED:
    case EXT2_ET_OP_NOT_SUPPORTED:
      return Error::NotSupported;
    case EXT2_ET_INVALID_ARGUMENT:
    case invalid:
      return Error::InvalidArgument;
    default:
      return Error::IoError;  // everything else says that the disk holds nonsense
  }
}

}  // namespace ext4

// SPDX-License-Identifier: Apache-2.0
#include "linux-abi/files/mode_of_new.h"

#include "linux-abi/files/caller.h"
#include "linux-abi/files/file_context.h"

namespace linux_abi {

Answer<std::uint32_t> mode_of_new(Caller& caller, Node& directory, std::uint32_t mode) {
  constexpr std::uint32_t set_gid_program = file_mode::set_gid | 010;
  const bool is_directory = (mode & file_mode::type_mask) == file_mode::directory;
  if (!is_directory && (mode & set_gid_program) == set_gid_program) {
    const Credentials& user = caller.credentials();
    const FileStatus status = TRY(directory.status(caller));
    if ((status.mode & file_mode::set_gid) != 0 && !user.in_group(status.gid) && !user.may(Capability::FileSetId))
      mode &= ~file_mode::set_gid;
  }
  return mode & ~caller.file_context().umask();
}

}  // namespace linux_abi

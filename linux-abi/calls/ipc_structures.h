// SPDX-License-Identifier: Apache-2.0
// What the three kinds of System V calls have in common: struct ipc64_perm.
#pragma once

#include <asm/ipcbuf.h>

#include "linux-abi/calls/call.h"
#include "linux-abi/ipc/permissions.h"

namespace linux_abi {

inline ipc64_perm to_user(const ipc::Permissions& permissions) {
  ipc64_perm user{};
  user.key = permissions.key;
  user.uid = permissions.uid;
  user.gid = permissions.gid;
  user.cuid = permissions.creator_uid;
  user.cgid = permissions.creator_gid;
  user.mode = static_cast<decltype(user.mode)>(permissions.mode);
  user.seq = permissions.sequence;
  return user;
}

// What IPC_SET takes of it.
inline ipc::Permissions from_user(const ipc64_perm& user) {
  ipc::Permissions permissions;
  permissions.uid = user.uid;
  permissions.gid = user.gid;
  permissions.mode = user.mode;
  return permissions;
}

// The answer of *_INFO: the highest place in use.
inline std::uint64_t last_place(std::size_t places) { return places == 0 ? 0 : places - 1; }

}  // namespace linux_abi

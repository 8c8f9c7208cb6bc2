// SPDX-License-Identifier: Apache-2.0
// Who owns a System V object and who may use it: the same for semaphores, message queues and shared memory.
#pragma once

#include <cstdint>

#include "linux-abi/abi/errno.h"
#include "linux-abi/process/credentials.h"

namespace linux_abi::ipc {

struct Permissions {
  std::int32_t key = 0;  // 0: IPC_PRIVATE, or removed
  std::uint32_t uid = 0, gid = 0;
  std::uint32_t creator_uid = 0, creator_gid = 0;
  std::uint32_t mode = 0;  // nine bits; shared memory has more
  std::uint16_t sequence = 0;

  static Permissions of_creator(std::int32_t key, std::uint32_t mode, const Credentials& user) {
    return {key, user.effective_uid, user.effective_gid, user.effective_uid, user.effective_gid, mode & 0777, 0};
  }
  bool is_owner(const Credentials& user) const {
    return user.effective_uid == uid || user.effective_uid == creator_uid;
  }
  // wanted: as a mode, the bits of all three classes together (ipcperms). EACCES.
  Answer<> check(const Credentials& user, std::uint32_t wanted) const {
    const std::uint32_t shift = is_owner(user) ? 6 : user.in_group(gid) || user.in_group(creator_gid) ? 3 : 0;
    const std::uint32_t asked = wanted >> 6 | wanted >> 3 | wanted;
    if ((asked & ~(mode >> shift) & 7) == 0 || user.may(Capability::IpcOwner)) return {};
    return error(EACCES);
  }
  // For IPC_SET and IPC_RMID: EPERM.
  Answer<> check_control(const Credentials& user) const {
    return is_owner(user) || user.is_root() ? Answer<>() : error(EPERM);
  }
  // IPC_SET.
  void change(std::uint32_t new_uid, std::uint32_t new_gid, std::uint32_t new_mode) {
    uid = new_uid;
    gid = new_gid;
    mode = (mode & ~0777U) | (new_mode & 0777);
  }
};
inline constexpr std::uint32_t wants_read = 0444, wants_write = 0222;

}  // namespace linux_abi::ipc

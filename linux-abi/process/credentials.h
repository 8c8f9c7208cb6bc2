// SPDX-License-Identifier: Apache-2.0
// Users, groups and capabilities of a thread, and the checks that Linux makes with them.
#pragma once

#include <array>
#include <cstdint>

#include "linux-abi/process/capabilities.h"

namespace linux_abi {

struct Credentials {
  static constexpr std::uint32_t max_groups = 64;
  std::uint32_t uid = 0, effective_uid = 0, saved_uid = 0, file_uid = 0;
  std::uint32_t gid = 0, effective_gid = 0, saved_gid = 0, file_gid = 0;
  std::uint32_t group_count = 0;
  std::array<std::uint32_t, max_groups> groups{};

  Capabilities capabilities;

  bool may(Capability capability) const { return capabilities.has(capability); }
  // Whoever administers the machine: where Linux asks for no other capability.
  bool is_root() const { return may(Capability::Administration); }
  Capabilities::Uids uids() const { return {uid, effective_uid, saved_uid}; }
  // All ids at once, as for a program that starts: a user's or root's capabilities with them.
  void become(std::uint32_t user, std::uint32_t group_id) {
    uid = effective_uid = saved_uid = file_uid = user;
    gid = effective_gid = saved_gid = file_gid = group_id;
    capabilities = {};
    if (user != 0) capabilities.permitted = capabilities.effective = 0;
  }
  bool in_group(std::uint32_t group) const {
    if (group == file_gid) return true;
    for (std::uint32_t i = 0; i < group_count; ++i)
      if (groups[i] == group) return true;
    return false;
  }
  // wanted: R_OK 4, W_OK 2, X_OK 1, as in access(2).
  bool may_access(std::uint32_t mode, std::uint32_t owner, std::uint32_t group, std::uint32_t wanted) const {
    constexpr std::uint32_t type_mask = 0170000, directory = 0040000;
    if (may(Capability::DacOverride)) return (wanted & 1) == 0 || (mode & type_mask) == directory || (mode & 0111) != 0;
    const std::uint32_t shift = file_uid == owner ? 6 : in_group(group) ? 3 : 0;
    if (((mode >> shift) & wanted) == wanted) return true;
    return may(Capability::DacReadSearch) && (wanted == 4 || ((mode & type_mask) == directory && (wanted & 2) == 0));
  }
};

}  // namespace linux_abi

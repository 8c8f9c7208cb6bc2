// SPDX-License-Identifier: Apache-2.0
// Users and groups of a thread, and the checks that Linux makes with them. Root (effective uid 0) has all capabilities;
// there are no others.
#pragma once

#include <array>
#include <cstdint>

namespace linux_abi {

struct Credentials {
  static constexpr std::uint32_t max_groups = 64;
  std::uint32_t uid = 0, effective_uid = 0, saved_uid = 0, file_uid = 0;
  std::uint32_t gid = 0, effective_gid = 0, saved_gid = 0, file_gid = 0;
  std::uint32_t group_count = 0;
  std::array<std::uint32_t, max_groups> groups{};

  bool is_root() const { return effective_uid == 0; }
  bool in_group(std::uint32_t group) const {
    if (group == file_gid) return true;
    for (std::uint32_t i = 0; i < group_count; ++i)
      if (groups[i] == group) return true;
    return false;
  }
  // wanted: R_OK 4, W_OK 2, X_OK 1, as in access(2).
  bool may_access(std::uint32_t mode, std::uint32_t owner, std::uint32_t group, std::uint32_t wanted) const {
    constexpr std::uint32_t type_mask = 0170000, directory = 0040000;
    if (file_uid == 0) return (wanted & 1) == 0 || (mode & type_mask) == directory || (mode & 0111) != 0;
    const std::uint32_t shift = file_uid == owner ? 6 : in_group(group) ? 3 : 0;
    return ((mode >> shift) & wanted) == wanted;
  }
};

}  // namespace linux_abi

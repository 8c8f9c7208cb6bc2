// SPDX-License-Identifier: Apache-2.0
// The options of a tmpfs (tmpfs(5)), as mount(2) is given them in one string.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "linux-abi/abi/errno.h"

namespace linux_abi {

struct MemoryOptions {
  std::optional<std::uint32_t> mode, uid, gid;
  std::optional<std::uint64_t> max_bytes, max_files;  // 0: as much as there is
  // memory_bytes: of which "size=50%" is a share. EINVAL.
  static Answer<MemoryOptions> parse(std::string_view text, std::uint64_t memory_bytes);
};

}  // namespace linux_abi

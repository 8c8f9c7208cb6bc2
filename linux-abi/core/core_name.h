// SPDX-License-Identifier: Apache-2.0
// What a core file is called: /proc/sys/kernel/core_pattern with its specifiers (core(5)). Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/base/array.h"
#include "kernel/base/error.h"

namespace core {

inline constexpr std::size_t max_pattern_bytes = 127;  // as in Linux, without the end of the string

struct NameFacts {
  int pid = 0, tid = 0, signal = 0;
  std::uint32_t uid = 0, gid = 0;
  int dumpable = 1;
  std::uint64_t limit = 0, seconds = 0;     // RLIMIT_CORE; since 1970
  std::string_view host, command, program;  // %h, %e, %E: the program's path
};

// add_pid: core_uses_pid; ".PID" is appended where the pattern does not name it.
base::Result<base::Array<char>> name_of(std::string_view pattern, bool add_pid, const NameFacts& facts);

// What a write to core_pattern may set: no pipes, for there is nobody to run them. InvalidArgument.
base::Result<std::string_view> checked_pattern(std::string_view written);

}  // namespace core

// SPDX-License-Identifier: Apache-2.0
// Small things that open files share.
#pragma once

#include "linux-abi/files/place.h"

namespace linux_abi {

// The path as the caller's root shows it, for /proc/self/fd and maps.
std::size_t describe_place(Place& place, std::span<char> to, Caller& caller);
// "pipe:[5]" and the like.
std::size_t describe_numbered(std::string_view kind, std::uint64_t number, std::span<char> to);
// Numbers for pipes, sockets and other files without a name.
std::uint64_t next_anonymous_inode();

}  // namespace linux_abi

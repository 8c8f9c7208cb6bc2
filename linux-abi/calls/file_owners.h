// SPDX-License-Identifier: Apache-2.0
// What fcntl and ioctl do about a file's owner: whom it tells by signals.
#pragma once

#include "linux-abi/calls/call.h"
#include "linux-abi/files/open_file.h"

namespace linux_abi::calls {

// F_SETOWN, F_GETOWN, F_SETOWN_EX, F_GETOWN_EX, F_SETSIG, F_GETSIG, F_SETLEASE, F_GETLEASE, F_NOTIFY; EINVAL for
// others.
Answer<std::uint64_t> file_owner_command(Call& call, OpenFile& file, int command);

// Changes O_ASYNC; where there is nothing to tell it is a flag without effect.
Answer<> set_asynchronous(OpenFile& file, int descriptor, bool on);

// ioctl(2) about it: of any file that tells, and of sockets.
namespace owner_request {
inline constexpr std::uint32_t set_asynchronous = 0x5452, set_owner = 0x8901, set_group = 0x8902, get_owner = 0x8903,
                               get_group = 0x8904;
constexpr bool is_of_socket(std::uint32_t request) { return request >= set_owner && request <= get_group; }
}  // namespace owner_request
Answer<std::uint64_t> file_owner_control(Call& call, OpenFile& file, std::uint32_t request);

}  // namespace linux_abi::calls

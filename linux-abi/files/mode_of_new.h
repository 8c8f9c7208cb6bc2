// SPDX-License-Identifier: Apache-2.0
// The mode that a new file gets: without what the umask takes away. A file that its group could execute with the
// group's rights does not get them in a directory that hands its group on, unless its maker is in that group; what is
// looked at is the mode that was asked for, before the umask.
#pragma once

#include "linux-abi/files/node.h"

namespace linux_abi {

Answer<std::uint32_t> mode_of_new(Caller& caller, Node& directory, std::uint32_t mode);

}  // namespace linux_abi

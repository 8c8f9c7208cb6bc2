// SPDX-License-Identifier: Apache-2.0
// Handlers of the calls that mount in steps (fsopen(2) and its siblings).
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi::calls {

Answer<std::uint64_t> fsopen(Call& call);
Answer<std::uint64_t> fsconfig(Call& call);
Answer<std::uint64_t> fsmount(Call& call);
Answer<std::uint64_t> fspick(Call& call);
Answer<std::uint64_t> open_tree(Call& call);
Answer<std::uint64_t> move_mount(Call& call);
Answer<std::uint64_t> mount_setattr(Call& call);

}  // namespace linux_abi::calls

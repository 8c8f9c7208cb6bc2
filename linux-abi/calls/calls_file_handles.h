// SPDX-License-Identifier: Apache-2.0
// Handlers of the calls about file handles.
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi::calls {

Answer<std::uint64_t> name_to_handle_at(Call& call);
Answer<std::uint64_t> open_by_handle_at(Call& call);

}  // namespace linux_abi::calls

// SPDX-License-Identifier: Apache-2.0
// Handlers of the calls of kernel AIO.
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi::calls {

Answer<std::uint64_t> io_setup(Call& call);
Answer<std::uint64_t> io_destroy(Call& call);
Answer<std::uint64_t> io_submit(Call& call);
Answer<std::uint64_t> io_cancel(Call& call);
Answer<std::uint64_t> io_getevents(Call& call);
Answer<std::uint64_t> io_pgetevents(Call& call);

}  // namespace linux_abi::calls

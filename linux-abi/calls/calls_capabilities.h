// SPDX-License-Identifier: Apache-2.0
// What prctl does with capabilities; capget and capset are declared in calls_identity.h.
#pragma once

#include <optional>

#include "linux-abi/calls/call.h"

namespace linux_abi::calls {

// nullopt: the command is about something else.
std::optional<Answer<std::uint64_t>> capability_prctl(Call& call);

}  // namespace linux_abi::calls

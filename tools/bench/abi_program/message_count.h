// SPDX-License-Identifier: Apache-2.0
// How many requests this machine has sent to other components of its rack for its programs (/proc/lego_requests);
// nothing on a machine that is no pComponent.
#pragma once

#include <cstdint>
#include <optional>

namespace abi_bench {

std::optional<std::uint64_t> messages_so_far();

}  // namespace abi_bench

// SPDX-License-Identifier: Apache-2.0
// The bounds of kernel/threads, each with its reason.
#pragma once

#include <cstdint>

namespace threads {

// A fork bomb ends with an error before it has all of the component's memory: 1 GiB of kernel stacks.
inline constexpr std::uint32_t max_threads = 65536;

// One per NIC queue that an idle core may look at; each costs every halt a look.
inline constexpr std::uint32_t max_idle_pollers = 16;

}  // namespace threads

// SPDX-License-Identifier: Apache-2.0
// On which core a thread that becomes runnable shall run, and from which core an idle one takes a thread. Pure: decides
// from a snapshot of how many threads each core has.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "kernel/threads/policy/core_mask.h"

namespace policy {

// Per core: how many threads run or wait there; 0 is an idle core.
using Loads = std::span<const std::uint32_t>;

// `last` is where the thread ran, `waker` where the wake-up happens. At least one existing core is allowed.
std::uint32_t choose_core(CoreMask allowed, std::uint32_t last, std::uint32_t waker, Loads loads);

// The core with most threads waiting, of those from which `core` would take one: an idle core takes any thread that
// waits; a busy one only evens out a difference of two or more.
std::optional<std::uint32_t> choose_victim(std::uint32_t core, Loads loads);

}  // namespace policy

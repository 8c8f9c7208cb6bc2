// SPDX-License-Identifier: Apache-2.0
// The time since 1970, as the managers tell it when the component joins and in heartbeats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace linux_abi {

// wall_ns: the time now. The clock is slewed only by jumps of less than a heartbeat's jitter; it never goes back.
void set_wall_clock(std::uint64_t wall_ns);
// A program sets the clock: from now on what the managers tell does not count.
void change_wall_clock(std::uint64_t wall_ns);
std::uint64_t wall_clock_ns();
// What to add to the monotonic clock.
std::uint64_t wall_clock_offset_ns();
// The page that programs read: fills it and keeps the wall clock in it from now on, there alone, so that calls and
// programs never differ. Once, before there are programs.
void share_clock(std::span<std::byte> page);

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// All system calls that the personality serves: number, name, how its arguments are shown, handler. From this one table
// come dispatch, --trace syscalls, the counters syscalls.{name} and docs/linux-abi.md. A number that is not here
// returns ENOSYS and is counted by its number.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "linux-abi/calls/call.h"

namespace linux_abi {

inline constexpr std::size_t call_numbers = 512;

// Arguments: a letter of trace/flag_names.h for each.
struct CallEntry {
  std::uint16_t number = 0;
  std::string_view name;
  std::string_view arguments;
  Handler handler = nullptr;
};

const CallEntry* find_call(std::uint64_t number);  // nullptr: unknown

// How often each was made, by number; unknown numbers beyond the table share the last one.
inline std::array<std::atomic<std::uint64_t>, call_numbers> call_counts;

// The handler of SYSCALL: dispatches, stores the result in rax, traces.
void dispatch_call(arch::TrapFrame& frame);

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Traps that nobody handles: how a frame is printed, and whom they go to.
#pragma once

#include <string_view>

#include "arch/x86_64/trap_frame.h"

namespace arch {

const char* exception_name(std::uint64_t vector);

// Prints the registers, a few to a line.
void report_frame(const TrapFrame& frame, void (*write_line)(std::string_view));

// Set at boot. Does not return.
using FatalTrapHandler = void (*)(const TrapFrame& frame);
void set_fatal_trap_handler(FatalTrapHandler handler);
[[noreturn]] void report_fatal_trap(const TrapFrame& frame);

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
// The serial console at 115200 baud: output only, by polling. Works before anything else does.
#pragma once

#include <cstdint>
#include <string_view>

namespace kernel {

inline constexpr std::uint16_t com1_port = 0x3f8;

// The console is the UART at this I/O port from now on. A port without one: lines are dropped.
void start_serial(std::uint16_t port = com1_port);
// One line; waits for others that write. With interrupts disabled meanwhile.
void write_console_line(std::string_view line);
// As above without waiting for anybody: for panics, when the writer may be a core that was stopped.
void write_panic_line(std::string_view line);

}  // namespace kernel

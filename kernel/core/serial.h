// SPDX-License-Identifier: Apache-2.0
// The serial console, COM1 at 115200 baud: output only, by polling. Works before anything else does.
#pragma once

#include <string_view>

namespace kernel {

void start_serial();
// One line; waits for others that write. With interrupts disabled meanwhile.
void write_console_line(std::string_view line);
// As above without waiting for anybody: for panics, when the writer may be a core that was stopped.
void write_panic_line(std::string_view line);

}  // namespace kernel

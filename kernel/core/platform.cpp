// SPDX-License-Identifier: Apache-2.0
// What base/platform.h asks for, in the images (panic.cpp has the rest).
#include "kernel/base/platform.h"

#include "kernel/core/serial.h"
#include "kernel/memory/heap.h"
#include "kernel/time/clock.h"

namespace base::platform {

void* allocate(std::size_t bytes) { return kernel::heap().allocate(bytes); }
void deallocate(void* memory) { kernel::heap().deallocate(memory); }
void write_log_line(std::string_view line) { kernel::write_console_line(line); }
std::uint64_t log_time_ns() { return kernel::now_ns(); }

}  // namespace base::platform

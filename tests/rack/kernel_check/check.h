// SPDX-License-Identifier: Apache-2.0
// Checks that run inside an image of their own, on the real kernel core. A check is a function that returns normally or
// fails an EXPECT, which prints the line and ends the run. main.cpp has the list.
#pragma once

#include "kernel/base/log.h"
#include "kernel/boot/boot_info.h"

namespace kernel_check {

[[noreturn]] void fail(const char* what, const char* file, int line);

void check_frames(const kernel::BootInfo& boot);
void check_page_tables(const kernel::BootInfo& boot);
void check_device_map(const kernel::BootInfo& boot);
void check_stacks(const kernel::BootInfo& boot);
void check_interrupts(const kernel::BootInfo& boot);
void check_exceptions(const kernel::BootInfo& boot);
void check_timer(const kernel::BootInfo& boot);
void check_clock(const kernel::BootInfo& boot);
void check_random(const kernel::BootInfo& boot);
void check_host_files(const kernel::BootInfo& boot);

// Takes over all cores; `done` is called on core 0 at the end.
[[noreturn]] void check_event_cores(void (*done)());

// Ends the component on purpose, in the way that the option crash= names. Returns when it names none.
void crash(std::string_view how);

}  // namespace kernel_check

#define EXPECT(condition)                                                 \
  do {                                                                    \
    if (!(condition)) kernel_check::fail(#condition, __FILE__, __LINE__); \
  } while (false)

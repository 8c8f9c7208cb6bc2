// SPDX-License-Identifier: Apache-2.0
// What an image's composition file defines: where a component begins once the kernel runs.
#pragma once

#include "kernel/boot/boot_info.h"

namespace kernel {

// On the boot core, interrupts disabled, with memory, clock, timers, random numbers and all cores ready. `boot` stays.
[[noreturn]] void component_main(const BootInfo& boot);

}  // namespace kernel

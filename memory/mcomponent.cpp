// SPDX-License-Identifier: Apache-2.0
// The composition of a mComponent's image: what of this component is started, in which order.
#include "arch/x86_64/cpu.h"
#include "kernel/base/log.h"
#include "kernel/core/cores.h"
#include "kernel/memory/frames.h"
#include "kernel/start/component.h"

[[noreturn]] void kernel::component_main(const BootInfo& boot) {
  base::log_info("memory", "mComponent up: {} core(s), {} frames, options \"{}\"", core_count(),
                 frames().counters().total, boot.command_line().text());
  while (true) arch::enable_interrupts_and_halt();
}

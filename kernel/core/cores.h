// SPDX-License-Identifier: Apache-2.0
// The cores of this component. The boot core is number 0; the others are started at boot and wait, halted, until
// somebody gives them something to run.
#pragma once

#include <cstdint>

#include "kernel/acpi/tables.h"
#include "kernel/base/error.h"
#include "kernel/base/types.h"

namespace kernel {

// That run, the boot core among them.
std::uint32_t core_count();

// Each other core calls main(number) on its own stack, with interrupts disabled. main does not return. Once.
using CoreMain = void (*)(std::uint32_t core);
void run_on_other_cores(CoreMain main);

// At boot, by the boot core: starts those that the tables list, `limit` altogether at most. `page`: free RAM below 1
// MiB for the code that they begin with, in the direct map. A core that does not come up is left out, with a warning.
void start_other_cores(const acpi::Tables& tables, base::PhysAddr page, std::uint32_t limit);

}  // namespace kernel

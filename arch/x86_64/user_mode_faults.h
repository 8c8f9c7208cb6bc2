// SPDX-License-Identifier: Apache-2.0
// Page faults and exceptions of user mode, and page faults of user_copy, on their way to the handlers of user_mode.h.
#pragma once

namespace arch {

// Registers with interrupts.h; the same on every core.
void install_fault_routes();

}  // namespace arch

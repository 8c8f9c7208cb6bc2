// SPDX-License-Identifier: Apache-2.0
// What happens at each crossing between user and kernel mode: time accounting, preemption, the personality's hook, the
// user registers. Inside kernel/threads.
#pragma once

namespace threads {

// Installs itself in arch::user_mode_handlers().
void install_return_to_user();

}  // namespace threads

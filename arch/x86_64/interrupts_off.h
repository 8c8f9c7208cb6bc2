// SPDX-License-Identifier: Apache-2.0
// A scope with this core's interrupts disabled: the thread stays on the core, and the core's own data does not change
// under its hands. Not a lock; nothing in it may sleep.
#pragma once

#include <cstdint>

#include "kernel/base/platform.h"

namespace arch {

class InterruptsOff {
 public:
  InterruptsOff() : state_(base::platform::disable_interrupts()) {}
  InterruptsOff(const InterruptsOff&) = delete;
  InterruptsOff& operator=(const InterruptsOff&) = delete;
  ~InterruptsOff() { base::platform::restore_interrupts(state_); }

 private:
  std::uint64_t state_;
};

}  // namespace arch

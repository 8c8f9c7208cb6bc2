// SPDX-License-Identifier: Apache-2.0
// What an idle core looks at before it halts: the completion ring of a NIC whose answers are often only microseconds
// away. Runs in the core's idle thread: it may take spinlocks and wake threads, never block. It is not called while the
// core has threads to run, so the device's interrupt must do without it.
#pragma once

#include "kernel/base/error.h"
#include "kernel/threads/core_mask.h"

namespace threads {

class IdlePoller {
 public:
  // Looks once, with interrupts enabled. True: something was done, or is likely very soon: look again before halting.
  // Says so for a bounded time only (the 50 µs of a fast answer): a core that spins takes its peer's time.
  virtual bool poll() = 0;
  // The last look before the core halts, with interrupts disabled: true if an interrupt will come for whatever happens
  // from now on; false if something is there already.
  virtual bool ready_to_halt() = 0;

 protected:
  ~IdlePoller() = default;
};

// For good. Called on the idle cores of the mask, by one core at a time. Error::Exhausted (limits.h).
[[nodiscard]] base::Result<> add_idle_poller(IdlePoller& poller, CoreMask cores = CoreMask::all());

}  // namespace threads

// SPDX-License-Identifier: Apache-2.0
// What an idle core looks at before it halts (a NIC's completion ring). Runs in the core's idle thread: it may take
// spinlocks and wake threads, never block. Registered for all cores or for one, for good.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "kernel/threads/core_mask.h"

namespace threads {

class IdlePoller : public boost::intrusive::list_base_hook<> {
 public:
  // Looks once, with interrupts enabled. True: something was done, or is likely within microseconds: look again before
  // halting. Says true for a bounded time only (the 50 µs of a fast answer), since a spinning core starves its peer.
  virtual bool poll() = 0;
  // The last look: makes sure that an interrupt comes for whatever happens from now on. False: something is there
  // already, poll again.
  virtual bool prepare_to_halt() = 0;

 protected:
  ~IdlePoller() = default;
};

// The poller runs on the idle cores of the mask, one core at a time.
void add_idle_poller(IdlePoller& poller, CoreMask cores = CoreMask::all());

}  // namespace threads

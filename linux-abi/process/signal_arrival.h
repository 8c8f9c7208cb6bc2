// SPDX-License-Identifier: Apache-2.0
// Who waits for signals without having them delivered: readers of signalfds, and whoever polls them. All are told of
// every signal that becomes pending anywhere on this pComponent, and look whether it concerns them.
#pragma once

#include <asm/poll.h>

#include "kernel/base/waiter.h"
#include "linux-abi/files/poll_source.h"

namespace linux_abi {

struct SignalArrival {
  base::WaitQueue readers;  // guarded by tasks_lock
  PollSource source;
  void tell_locked() {
    readers.wake_all();
    source.notify(POLLIN | POLLRDNORM);
  }
};
inline SignalArrival signal_arrival;

}  // namespace linux_abi

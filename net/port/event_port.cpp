// SPDX-License-Identifier: Apache-2.0
// One turn of a port on an event core.
#include "net/port/event_port.h"

namespace port {

// The core sleeps only after a poll() that found nothing and after which nothing ran, so what this finds as the next
// deadline still holds then.
bool EventPort::poll() {
  const bool any = port_.poll();
  const std::uint64_t deadline_ns = port_.deadline_ns();
  if (deadline_ns == base::never_ns) {
    if (armed()) cancel();
  } else if (!armed() || this->base::Timer::deadline_ns() != deadline_ns) {
    loop_.arm(*this, deadline_ns);
  }
  return any;
}

}  // namespace port

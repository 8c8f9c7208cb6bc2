// SPDX-License-Identifier: Apache-2.0
// The end of a virtio device.
#include "kernel/virtio/lifecycle.h"

#include "kernel/base/log.h"

namespace virtio {

void Lifecycle::check_status() {
  if (!status_due() || !status_due_.exchange(false, std::memory_order_relaxed) || failed()) return;
  if ((transport_->status() & status_needs_reset) != 0) fail("it asks for a reset");
}

void Lifecycle::fail(std::string_view why) {
  if (failing_.exchange(true, std::memory_order_relaxed)) {  // failed_ carries the ordering
    while (!failed()) base::platform::relax();
    return;
  }
  count_error();
  base::log_error("virtio", "{}: {}; the device is out of use from now on", name_, why);
  shut_down(*transport_);
  failed_.store(true, std::memory_order_release);  // the device no longer touches memory
}

}  // namespace virtio

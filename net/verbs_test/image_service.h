// SPDX-License-Identifier: Apache-2.0
// The verbs test service in an image whose command line says verbs_test=1; nothing otherwise.
#pragma once

#include "kernel/base/executor.h"
#include "kernel/boot/boot_info.h"
#include "net/component/component.h"

namespace verbs_test {

// Takes its memory from the frames of the kernel: before a monitor gets them. Runs from now on, whether or not the
// component joins a rack.
base::Result<> start_if_wanted(const kernel::BootInfo& boot, component::Component& component, base::EventLoop& loop);

}  // namespace verbs_test

// SPDX-License-Identifier: Apache-2.0
// /sys/devices/system/cpu/cpuN, in the words of Linux's Documentation/ABI/testing/sysfs-devices-system-cpu.
#pragma once

#include "linux-abi/files/synthetic.h"

namespace linux_abi {

Answer<NodeReference> make_sys_core(int core);

}  // namespace linux_abi

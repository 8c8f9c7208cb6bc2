// SPDX-License-Identifier: Apache-2.0
// Writes, flushes and reads back the beginning of a disk with many scattered requests in flight, then fills its queue.
// Runs on the disk's own event loop; says what happened on the console.
#pragma once

#include <cstdint>

#include "kernel/base/executor.h"
#include "kernel/base/task.h"
#include "kernel/blockdev/block_device.h"
#include "kernel/device/dma.h"

namespace drivers_test {

base::Task<> exercise_disk(base::EventLoop& loop, blockdev::BlockDevice& disk, device::DmaMemory& memory,
                           unsigned number);

}  // namespace drivers_test

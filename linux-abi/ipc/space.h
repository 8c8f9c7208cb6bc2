// SPDX-License-Identifier: Apache-2.0
// The System V objects and POSIX message queues of a vNode: all programs of it see the same ones, and they end with it.
#pragma once

#include "linux-abi/ipc/message_queues.h"
#include "linux-abi/ipc/posix_queues.h"
#include "linux-abi/ipc/segments.h"
#include "linux-abi/ipc/semaphores.h"

namespace linux_abi::ipc {

struct Space {
  Semaphores semaphores;
  MessageQueues messages;
  PosixQueues posix_queues;
  Segments segments;
};

}  // namespace linux_abi::ipc

// SPDX-License-Identifier: Apache-2.0
// Process 1 of a vNode, its init: the system itself, which has no program, no threads and no memory. What others may
// ask of every process, and set, is kept here. Guarded by tasks_lock.
#pragma once

#include "linux-abi/process/credentials.h"
#include "linux-abi/process/limits.h"
#include "linux-abi/process/scheduling.h"

namespace linux_abi {

struct Init {
  Credentials user;  // root
  Scheduling scheduling;
  Limits limits;
  int io_priority = 0;
  std::uint64_t cores = ~std::uint64_t{0};

  // Whether its signals are the sender's to send (kill(2)). None does anything: it handles none.
  bool may_be_signalled_by(const Credentials& sender) const {
    return sender.may(Capability::Kill) || sender.effective_uid == user.uid || sender.uid == user.uid;
  }
};

}  // namespace linux_abi

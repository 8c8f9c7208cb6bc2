// SPDX-License-Identifier: Apache-2.0
// Waiting for children (wait4, waitid).
#pragma once

#include "linux-abi/process/thread.h"

namespace linux_abi {

enum class WaitFor : std::uint8_t { Any, Pid, Group };

struct WaitRequest {
  WaitFor whom = WaitFor::Any;
  int number = 0;  // a pid or group; 0 for Group: the caller's
  bool exited = true, stopped = false, continued = false;
  bool keep = false;                           // WNOWAIT
  bool no_hang = false;                        // WNOHANG
  bool clone_only = false, all_kinds = false;  // __WCLONE, __WALL
};

struct WaitResult {
  int pid = 0;  // 0: nothing with WNOHANG
  std::uint32_t uid = 0;
  WaitStatus status;
  // Of the child and its waited-for children.
  ProcessTimes times;
  std::uint64_t most_resident = 0;  // pages, of the largest of them
};

// ECHILD: there is no such child. Interrupted as restart_always.
Answer<WaitResult> wait_for_child(Thread& thread, const WaitRequest& request);

}  // namespace linux_abi

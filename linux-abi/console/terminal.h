// SPDX-License-Identifier: Apache-2.0
// A terminal as job control sees it: it belongs to a session and has a foreground process group.
#pragma once

#include "linux-abi/process/process.h"

namespace linux_abi {

class Terminal {
 public:
  // The session's leader ended: its foreground group gets SIGHUP and SIGCONT, nobody has the terminal any more. With
  // tasks_lock held.
  virtual void session_ended_locked(Process& leader) = 0;

 protected:
  ~Terminal() = default;
};

}  // namespace linux_abi

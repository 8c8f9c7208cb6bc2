// SPDX-License-Identifier: Apache-2.0
// A terminal as job control sees it: it belongs to a session and has a foreground process group. And how files open
// the caller's own (/dev/tty).
#pragma once

#include "linux-abi/files/place.h"
#include "linux-abi/process/process.h"

namespace linux_abi {

class Terminal {
 public:
  // The session's leader ended: its foreground group gets SIGHUP and SIGCONT, nobody has the terminal any more. With
  // tasks_lock held.
  virtual void session_ended_locked(Process& leader) = 0;

  virtual std::uint64_t device() const = 0;       // st_rdev
  virtual int foreground_locked() const = 0;      // its process group; 0: none

  // open(2) of /dev/tty by a process that has this as its controlling terminal.
  virtual Answer<OpenFileReference> open(int flags, PlaceReference place) = 0;

 protected:
  ~Terminal() = default;
};

// ENXIO: the caller has none.
Answer<OpenFileReference> open_controlling_terminal(int flags, PlaceReference place, Caller& caller);

}  // namespace linux_abi

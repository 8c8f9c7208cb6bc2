// SPDX-License-Identifier: Apache-2.0
// One program that a client started (ProgramStart): its family of processes, its console, how it ended. The client
// reads output and the end by ConsoleRead, and ends what is left by ProgramRelease.
#pragma once

#include "linux-abi/process/process.h"
#include "processor/process.h"

namespace linux_abi {

class Launch {
 public:
  // A process of the family ended (its last thread leaves); for the first one this is the program's end. No lock held.
  virtual void process_ended(Process& process) = 0;

 protected:
  ~Launch() = default;
};

}  // namespace linux_abi

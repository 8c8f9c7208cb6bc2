// SPDX-License-Identifier: Apache-2.0
// One program that a client started (ProgramStart): its family of processes, its console, how it ended. The client
// reads output and the end by ConsoleRead, and ends what is left by ProgramRelease.
#pragma once

#include <string_view>

#include "linux-abi/process/process.h"
#include "processor/process.h"

namespace linux_abi {

class Launch {
 public:
  // A process of the family ended (its last thread leaves); for the first one this is the program's end. No lock held.
  virtual void process_ended(Process& process) = 0;
  // --trace: a finished line for the client's stderr; dropped, and counted, when the client does not keep up.
  virtual bool traces_calls() const = 0;
  virtual void trace(std::string_view line) = 0;

 protected:
  ~Launch() = default;
};

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// One program that a client started (ProgramStart): its family of processes, its console, how it ended. The client
// reads output and the end by ConsoleRead, and ends what is left by ProgramRelease.
#pragma once

#include <string_view>

#include "linux-abi/process/process.h"
#include "processor/process.h"

namespace linux_abi {

// Bits of ProgramStartRequest::trace.
enum class TraceKind : std::uint8_t { Calls = 1, Requests = 2, Faults = 4 };

class Launch {
 public:
  // A process of the family ended (its last thread leaves); for the first one this is the program's end. No lock held.
  virtual void process_ended(Process& process) = 0;
  // --trace: what the client wants to see of its program on its stderr.
  bool traces(TraceKind kind) const { return (trace_kinds_ & static_cast<std::uint32_t>(kind)) != 0; }
  // A finished line, by the thread that it is about, which waits while the client does not keep up (a thread that is
  // being killed does not: its line is lost).
  virtual void trace(std::string_view line) = 0;

 protected:
  explicit Launch(std::uint32_t trace_kinds) : trace_kinds_(trace_kinds) {}
  ~Launch() = default;

 private:
  const std::uint32_t trace_kinds_;  // each call looks at it
};

}  // namespace linux_abi

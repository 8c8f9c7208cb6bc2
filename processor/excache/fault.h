// SPDX-License-Identifier: Apache-2.0
// A page fault as the ExCache takes it, and how an attempt to resolve it ends.
#pragma once

#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/base/types.h"

namespace excache {

enum class Access : std::uint8_t { Read, Write, Execute };

struct Fault {
  base::UserVa address;
  Access access = Access::Read;
  bool from_kernel = false;       // a user copy: may take from the reserve of lines
  std::uint64_t instruction = 0;  // the address of the faulting instruction
};

enum class FaultKind : std::uint8_t {
  Resolved,      // start the instruction again
  Wait,          // the waiter is linked: sleep, then handle the fault again from the start
  GrowStack,     // nothing is mapped, but a stack above may grow over it
  NotMapped,     // SIGSEGV, MAPERR
  NotPermitted,  // SIGSEGV, ACCERR
  BeyondObject,  // SIGBUS, ADRERR: beyond the end of the file or segment, or no room on its disk
  Lost,          // SIGBUS: its home cannot give the page; `error` says why
  NoMemory,      // no page table, or no frame at the home
};

// What an attempt did for the fault; several at once are or-ed.
enum class Work : std::uint8_t {
  None = 0,
  Zeroed = 1,          // cleared a line
  Copied = 2,          // copied a line
  Fetched = 4,         // asked the home for the page
  AskedForFrames = 8,  // asked the home for frames to zero-fill from
  Announced = 16,      // told the home of a file that a page of it will be written
};
constexpr Work operator|(Work a, Work b) {
  return static_cast<Work>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
constexpr bool includes(Work work, Work one) {
  return (static_cast<std::uint8_t>(work) & static_cast<std::uint8_t>(one)) != 0;
}

class Home;

struct FaultOutcome {
  FaultKind kind = FaultKind::Resolved;
  base::Error error = base::Error::None;
  Work work = Work::None;
  Home* asked = nullptr;  // by Fetched, AskedForFrames, Announced
};

}  // namespace excache

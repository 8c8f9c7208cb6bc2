// SPDX-License-Identifier: Apache-2.0
// One system call as its handler sees it: the thread, its registers, and the six arguments.
#pragma once

#include <cstdint>

#include "arch/x86_64/trap_frame.h"
#include "linux-abi/abi/errno.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {

class Call {
 public:
  Call(Thread& calling_thread, arch::TrapFrame& registers) : thread(calling_thread), frame(registers) {}

  Thread& thread;
  arch::TrapFrame& frame;

  std::uint64_t a() const { return frame.rdi; }
  std::uint64_t b() const { return frame.rsi; }
  std::uint64_t c() const { return frame.rdx; }
  std::uint64_t d() const { return frame.r10; }
  std::uint64_t e() const { return frame.r8; }
  std::uint64_t f() const { return frame.r9; }
  // Arguments that Linux takes as int: the upper half of the register does not count.
  static int as_int(std::uint64_t argument) { return static_cast<int>(static_cast<std::uint32_t>(argument)); }

  Process& process() const { return thread.process(); }
};

using Handler = Answer<std::uint64_t> (*)(Call& call);

}  // namespace linux_abi

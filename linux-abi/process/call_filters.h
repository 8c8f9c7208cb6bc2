// SPDX-License-Identifier: Apache-2.0
// What a thread lets itself do (seccomp(2)): a few calls only, or what its filters say, all of which are asked at each
// call. Filters are shared with children, and never taken off. Changed with tasks_lock, by the thread itself or by
// another one of its process (SECCOMP_FILTER_FLAG_TSYNC).
#pragma once

#include <cstdint>

#include "arch/x86_64/trap_frame.h"
#include "kernel/base/array.h"
#include "linux-abi/filters/classic_program.h"
#include "processor/reference.h"

namespace linux_abi {

class Thread;

struct CallFilter : processor::Counted {
  base::Array<FilterInstruction> program;
  processor::Reference<CallFilter> older;
  std::size_t instructions = 0;  // of it and the older ones, each counted as Linux does
  void last_reference_gone();
};

struct CallFilters {
  enum class Mode : std::uint8_t { None, Strict, Filter };  // as /proc/PID/status has it
  Mode mode = Mode::None;
  processor::Reference<CallFilter> newest;
};

// Before a call that the thread is about to make, if its mode is not None. False: the call is not made; rax has what the
// program sees, a signal may be on its way. The thread may end here. The number may have been changed by a tracer.
bool pass_filters(Thread& thread, arch::TrapFrame& frame, std::uint64_t& number);

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Linux on top of the processor monitor: faults and exceptions become signals, SYSCALL reaches the calls, and signals
// are taken on the way back to user mode.
#pragma once

#include "processor/process.h"

namespace linux_abi {

class LinuxPersonality final : public processor::Personality {
 public:
  void fault_failed(processor::Thread& thread, arch::TrapFrame& frame, processor::FaultEnd end, base::UserVa address,
                    bool from_user) override;
};

// Into arch::user_mode_handlers() and the scheduler's hook. Once, before threads run.
void install_personality();

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Core files: what a signal that ends a process with one does (core(5)). The thread that took the signal writes the
// file; the others come to a halt on their way out, each having left its registers, and go on when it is written.
#pragma once

#include <boost/intrusive/list.hpp>

#include "arch/x86_64/trap_frame.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {

// Of one thread, as it was. Made by the thread itself.
struct ThreadImage : boost::intrusive::list_base_hook<> {
  int tid = 0;
  arch::TrapFrame frame{};
  arch::UserSegmentBases bases;
  std::uint64_t pending = 0, blocked = 0;
  base::Array<std::byte> vector_registers;
};

// On the writer's stack; named by its process while it is under way. Guarded by tasks_lock.
struct CoreDump {
  Thread* writer = nullptr;
  std::uint32_t expected = 0;  // threads that have not come yet
  boost::intrusive::list<ThreadImage> images;
  base::WaitQueue arrivals;
};

// Ends the process by the signal, with a core file if it is to leave one. The thread then exits.
void end_with_core(Thread& thread, const arch::TrapFrame& frame, const SignalInformation& information);

// First thing of an exiting thread: while its process dumps core it leaves its registers, and waits. True: it did.
bool wait_for_core_dump(Thread& thread);
// One that was past that leaves without. tasks_lock is held.
void leave_core_dump_locked(Process& process);

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// Restartable sequences (rseq(2)): a thread registers a few words in its own memory, where the kernel keeps the number
// of the core that it runs on, and where it says which instructions must not be interrupted. Who was off its core, or
// is about to run a signal handler, in the middle of them goes on at the place that they name for that. As in
// Linux 6.1, with the words of its struct rseq. Touched by the thread itself alone.
#pragma once

#include <cstdint>

#include "arch/x86_64/trap_frame.h"
#include "linux-abi/abi/errno.h"

namespace linux_abi {

class Thread;

struct RestartableSequences {
  std::uint64_t address = 0;  // of struct rseq; 0: not registered
  std::uint32_t signature = 0;
  static constexpr std::uint32_t no_core = ~std::uint32_t{0};
  std::uint32_t told_core = no_core;
  static constexpr std::uint32_t bytes = 32;
};

void register_sequences(Thread& thread, std::uint64_t address, std::uint32_t signature);
// The number of the core is taken back, so that nobody believes it: EFAULT.
Answer<> unregister_sequences(Thread& thread);
void forget_sequences(Thread& thread);                        // execve: the memory is gone
void inherit_sequences(Thread& child, const Thread& parent);  // fork

// If the thread is in a sequence it goes on where that says. What it wrote is not to be believed: an error is to become
// SIGSEGV.
Answer<> leave_sequence(Thread& thread, arch::TrapFrame& frame);
// And it is told its core.
Answer<> update_sequences(Thread& thread, arch::TrapFrame& frame);

}  // namespace linux_abi

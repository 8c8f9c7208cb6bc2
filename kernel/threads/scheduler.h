// SPDX-License-Identifier: Apache-2.0
// The scheduler's surface: making threads, giving up the core, starting cores, counters. Per-core run queues, fair by
// weight (policy/), tickless: the core's timer is armed for the end of a time slice only while others wait.
#pragma once

#include <cstdint>

#include "kernel/base/clock.h"
#include "kernel/base/error.h"
#include "kernel/threads/thread.h"

namespace threads {

// The running thread. Not in interrupt handlers that may run before init().
Thread& current();

// The clock of all deadlines: nanoseconds since boot, the same on all cores.
const base::Clock& clock();

// A kernel thread. NoMemory, also when there are too many (limits.h). Freed by its exit; if it is never started, by
// discard().
[[nodiscard]] base::Result<Thread*> create(const ThreadOptions& options, void (*entry)(void*), void* argument);
// A user thread: begins in user mode with this frame, in this address space, with fresh vector registers.
[[nodiscard]] base::Result<Thread*> create_user(const ThreadOptions& options, const arch::TrapFrame& frame,
                                                arch::TlbDomain& space);
// A user thread that begins in the kernel (to load its program, say) without an address space: the entry function ends
// with set_address_space() and arch::enter_user(thread.user_frame()), or with exit().
[[nodiscard]] base::Result<Thread*> create_user(const ThreadOptions& options, void (*entry)(void*), void* argument);
void start(Thread& thread);
void discard(Thread& thread);

// Ends the running thread. No lock held; a user thread has let go of its address space (set_address_space(nullptr)) if
// that is about to be freed.
[[noreturn]] void exit();

// Lets others of the same or a higher class run first.
void yield();
// For long loops in the kernel: yields if the time slice is over or a more urgent thread waits.
void preemption_point();

// What the personality does before every return to user mode: deliver signals, end the thread. Interrupts are enabled;
// it may block. It is called again if the thread was interrupted in the meantime.
void set_return_to_user_hook(void (*hook)(Thread& thread, arch::TrapFrame& frame));
// Runs before it, for threads that asked for it (Thread::tell_switches), as soon as they have a core again.
void set_switch_hook(void (*hook)(Thread& thread, arch::TrapFrame& frame));

// Once, on the first core, when memory, the per-core areas, the clock and the core timer work. From then on the caller
// is the core's idle thread: it may make and start threads, but not block.
void init();
// On every core, the first included, as the last step of its boot: the boot stack becomes its idle thread. User mode is
// set up if arch::user_mode_handlers() has a system-call handler by then.
[[noreturn]] void run_this_core();

struct Statistics {
  std::uint64_t threads_created;
  std::uint64_t threads_freed;
  std::uint64_t switches;
  std::uint64_t wakes;
  std::uint64_t steals;
  std::uint64_t preemptions;  // at the end of a slice or for a more urgent thread
  std::uint64_t reschedule_interrupts;
  std::uint64_t idle_ns;  // of all cores
  std::uint32_t threads_now;
  std::uint32_t runnable;  // of those, which run or wait for a core
  std::uint32_t cores;
};
Statistics statistics();

}  // namespace threads

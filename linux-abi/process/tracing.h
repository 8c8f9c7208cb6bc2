// SPDX-License-Identifier: Apache-2.0
// ptrace(2): threads that another process, their tracer, stops, looks into and lets go on. Each traced thread has a
// record, on the list of its tracer; all of it is guarded by tasks_lock. A thread stops by itself, at its signals,
// calls and events, in its own kernel stack; its registers can be read and changed while it does. The tracer is the
// process, not one thread of it. When it ends its threads go on alone.
#pragma once

#include <cstdint>

#include "arch/x86_64/trap_frame.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {

struct Traced {
  enum class State : std::uint8_t {
    Running,
    Stopped,    // waits for its tracer
    Listening,  // PTRACE_LISTEN: of a stopped process; not to be looked into, and tells of the continue
    Ended,      // there is no thread any more, and the tracer has not been told
  };
  enum class Call : std::uint8_t { None, Entry, Exit };

  Process* tracer = nullptr;  // nullptr: it has let go
  Traced* next = nullptr;     // of the tracer's
  Thread* thread = nullptr;
  PidEntry* entry = nullptr;  // kept from being used again; of one that has ended
  int group = 0;              // its process's group, for those that wait
  State state = State::Running;
  bool seized = false;
  bool told = false;         // the tracer has waited for this stop
  bool group_stop = false;   // this stop is its process's
  bool leaves_stop = false;  // it goes on although its process is stopped
  bool interrupt = false;    // PTRACE_INTERRUPT
  bool stops_at_calls = false, steps = false;
  Call call = Call::None;         // where it has stopped
  std::uint32_t options = 0;      // PTRACE_O_*
  int code = 0;                   // signal | event << 8
  int stop_signal = 0;            // of the process's last stop
  int injected = 0;               // the signal that it goes on with
  std::uint64_t message = 0;      // PTRACE_GETEVENTMSG
  SignalInformation information;  // of its signal
  WaitStatus ended;
};

namespace trace_event {
inline constexpr int fork = 1, vfork = 2, clone = 3, exec = 4, vfork_done = 5, exit = 6, filter = 7, stop = 128;
inline constexpr std::uint32_t option_of(int event) { return 1U << event; }
inline constexpr std::uint32_t system_good = 1, exit_kill = 1U << 20;
inline constexpr std::uint32_t known_options = 0xff | exit_kill;
}  // namespace trace_event

// With tasks_lock.
inline Traced* traced_of(const Thread& thread) {
  return thread.traced != nullptr && thread.traced->tracer != nullptr ? thread.traced : nullptr;
}
inline int tracer_of_locked(const Thread& thread) {
  const Traced* traced = traced_of(thread);
  return traced == nullptr ? 0 : traced->tracer->pid();
}
inline bool is_stopped_for_tracer_locked(const Thread& thread) {
  const Traced* traced = traced_of(thread);
  return traced != nullptr && traced->state == Traced::State::Stopped;
}
// `record` becomes the thread's; one that it has from before is freed.
void attach_locked(Process& tracer, Thread& thread, Traced* record);
// The tracer lets go of it: it runs on, with this signal if it was stopped.
void let_go_locked(Traced& traced, int signal);
// The tracer ends.
void let_go_of_all_locked(Process& tracer);
// A stopped thread runs on.
void resume_locked(Traced& traced, int signal);

// By the thread itself, without the lock.

// Stops for the tracer until it says to go on, or somebody kills the thread. Returns the signal that the tracer gives
// it. frame: its registers in user mode. not_traced: there was no stop.
inline constexpr int not_traced = -1;
int stop_for_tracer(Thread& thread, arch::TrapFrame& frame, int code, const SignalInformation& information);
// If the tracer wants to know of such an event. False: it does not.
bool report_event(Thread& thread, int event, std::uint64_t message);
// A signal was taken: what is left of it after the tracer has seen it; signal 0: nothing.
SignalInformation show_signal(Thread& thread, arch::TrapFrame& frame, const SignalInformation& information);
// PTRACE_INTERRUPT, and the stops of its process. Whether it stopped.
bool stop_if_asked(Thread& thread, arch::TrapFrame& frame);
// After execve.
void report_program(Thread& thread, int former_tid);
// Around a call: before it, which may change its number and registers; and after it.
void report_call(Thread& thread, arch::TrapFrame& frame, Traced::Call which);
// A child or thread that was made and does not run yet: traced by the same tracer where that wants it, or the caller
// asked for it. Returns the event to be reported (0: none).
struct NewThread {
  bool vfork = false, other_signal = false, wants = false, forbids = false;  // as clone(2) was told
};
int inherit_tracer_locked(const Thread& parent, Thread& child, const NewThread& how, Traced* record);
// The thread ends: the tracer is told with the next wait. With tasks_lock; leader: as the process's end.
void trace_ended_locked(Thread& thread, WaitStatus status);

}  // namespace linux_abi

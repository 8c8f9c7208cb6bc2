// SPDX-License-Identifier: Apache-2.0
// Traced threads: see tracing.h. Stops are told to the tracer with SIGCHLD, and through wait.
#include "linux-abi/process/tracing.h"

#include "kernel/base/memory.h"
#include "linux-abi/process/signal_sending.h"

namespace linux_abi {
namespace {

constexpr std::uint64_t trap_flag = 0x100;

void unlink_locked(Traced& traced) {
  for (Traced** place = &traced.tracer->traced; *place != nullptr; place = &(*place)->next)
    if (*place == &traced) {
      *place = traced.next;
      break;
    }
  traced.tracer = nullptr;
  traced.next = nullptr;
}

void free_record(Traced* record) { base::Own<Traced>(record).reset(); }

void tell_tracer_locked(const Traced& traced, WaitStatus status, int tid) {
  Process& tracer = *traced.tracer;
  const SignalAction& action = tracer.actions->actions.of(sig::chld);
  const bool stopped = status.code == sig::code::cld_trapped;
  if (!stopped || (action.flags & sig::flag::no_child_stop) == 0)
    (void)send_to_process_locked(tracer,
                                 {.signal = sig::chld,
                                  .code = status.code,
                                  .pid = tid,
                                  .value = static_cast<std::uint64_t>(static_cast<std::uint32_t>(status.value))});
  tracer.child_events.wake_all();
}

// False: nobody traces it, or it is to end: it does not stop.
bool begin_stop_locked(Thread& thread, int code, const SignalInformation& information) {
  Traced* traced = traced_of(thread);
  if (traced == nullptr || thread.process().group_exit || thread.kernel_thread().killed()) return false;
  traced->state = Traced::State::Stopped;
  traced->told = false;
  traced->code = code;
  traced->information = information;
  traced->injected = 0;
  tell_tracer_locked(*traced, {sig::code::cld_trapped, code & 0x7f}, thread.tid());
  return true;
}

// A listener hears of the continue of its process, and of PTRACE_INTERRUPT, as of another stop.
void notice_continue_locked(Thread& thread, Traced& traced) {
  const bool continued = thread.process().state != ProcessState::Stopped;
  if (traced.state != Traced::State::Listening || (!continued && !traced.interrupt)) return;
  traced.group_stop = traced.leaves_stop = !continued;
  if (std::exchange(traced.interrupt, false) && !continued)
    return (void)begin_stop_locked(thread, traced.code, traced.information);
  (void)begin_stop_locked(thread, sig::trap | trace_event::stop << 8,
                          {.signal = sig::trap, .code = sig::trap | trace_event::stop << 8, .pid = thread.tid()});
}

void wait_in_stop(Thread& thread) {
  while (true) {
    processor::Sleeper& sleeper = thread.sleeper();
    {
      const base::SpinGuard guard(tasks_lock);
      Traced* traced = traced_of(thread);
      if (traced == nullptr || thread.kernel_thread().killed()) return;
      notice_continue_locked(thread, *traced);
      if (traced->state == Traced::State::Running) return;
      thread.process().state_changes.add(sleeper);
    }
    if (sleeper.sleep()) continue;
    const base::SpinGuard guard(tasks_lock);
    sleeper.unlink();
    return;
  }
}

SignalInformation of_event(const Thread& thread, int code) {
  return {.signal = sig::trap, .code = code, .pid = thread.tid(), .uid = thread.user.uid};
}

}  // namespace

void attach_locked(Process& tracer, Thread& thread, Traced* record) {
  if (thread.traced != nullptr) free_record(thread.traced);
  record->thread = &thread;
  record->group = thread.process().group->pid;
  record->tracer = &tracer;
  record->next = tracer.traced;
  tracer.traced = record;
  thread.traced = record;
}

void resume_locked(Traced& traced, int signal) {
  traced.injected = signal;
  traced.state = Traced::State::Running;
  traced.told = true;
  traced.thread->process().state_changes.wake_all();
}

void let_go_locked(Traced& traced, int signal) {
  Thread* thread = traced.thread;
  unlink_locked(traced);
  if (thread == nullptr) {
    traced.entry = nullptr;
    free_record(&traced);
    return;
  }
  traced.options = 0;
  traced.stops_at_calls = traced.steps = traced.interrupt = traced.leaves_stop = false;
  if (traced.state == Traced::State::Listening) signal = 0;
  resume_locked(traced, signal);
}

void let_go_of_all_locked(Process& tracer) {
  while (Traced* traced = tracer.traced) {
    Thread* thread = traced->thread;
    const bool kill = (traced->options & trace_event::exit_kill) != 0;
    if (PidEntry* entry = std::exchange(traced->entry, nullptr)) tracer.vnode().pids.release(*entry);
    let_go_locked(*traced, 0);
    if (kill && thread != nullptr)
      (void)send_to_process_locked(thread->process(), {.signal = sig::kill, .code = sig::code::kernel});
  }
}

int stop_for_tracer(Thread& thread, arch::TrapFrame& frame, int code, const SignalInformation& information) {
  // The tracer reads and writes what is kept here, not what is in a core.
  (void)thread.kernel_thread().read_fpu();
  bool stepped = false;
  {
    const base::SpinGuard guard(tasks_lock);
    Traced* traced = traced_of(thread);
    if (traced == nullptr) return not_traced;
    stepped = std::exchange(traced->steps, false);
    if (stepped) frame.rflags &= ~trap_flag;
    if (!begin_stop_locked(thread, code, information)) return 0;
  }
  wait_in_stop(thread);
  (void)thread.kernel_thread().write_fpu();
  const base::SpinGuard guard(tasks_lock);
  if (thread.traced == nullptr) return 0;
  Traced& traced = *thread.traced;
  traced.state = Traced::State::Running;
  traced.call = Traced::Call::None;
  traced.group_stop = false;
  if (traced.tracer != nullptr && traced.steps) frame.rflags |= trap_flag;
  return std::exchange(traced.injected, 0);
}

bool report_event(Thread& thread, int event, std::uint64_t message) {
  if (thread.traced == nullptr) return false;  // only ever set by the thread or while it waits for tasks_lock
  {
    const base::SpinGuard guard(tasks_lock);
    Traced* traced = traced_of(thread);
    if (traced == nullptr || (traced->options & trace_event::option_of(event)) == 0) return false;
    traced->message = message;
  }
  const int code = sig::trap | event << 8;
  (void)stop_for_tracer(thread, thread.kernel_thread().user_frame(), code, of_event(thread, code));
  return true;
}

SignalInformation show_signal(Thread& thread, arch::TrapFrame& frame, const SignalInformation& information) {
  const int signal = stop_for_tracer(thread, frame, information.signal, information);
  if (signal == not_traced) return information;
  if (signal == 0) return {};
  const base::SpinGuard guard(tasks_lock);
  // The tracer may have changed what comes with it; another signal comes from the tracer.
  SignalInformation left = thread.traced == nullptr ? information : thread.traced->information;
  if (left.signal != signal) left = {.signal = signal, .code = sig::code::user, .pid = tracer_of_locked(thread)};
  if (!thread.blocked.contains(signal) || unblockable.contains(signal)) return left;
  (void)thread.pending.add(left);
  return {};
}

bool stop_if_asked(Thread& thread, arch::TrapFrame& frame) {
  int code = 0;
  {
    const base::SpinGuard guard(tasks_lock);
    Traced* traced = traced_of(thread);
    const Process& process = thread.process();
    if (traced == nullptr || process.group_exit) return false;
    const bool interrupted = std::exchange(traced->interrupt, false);
    if (process.state != ProcessState::Stopped) traced->leaves_stop = false;
    if (process.state == ProcessState::Stopped && !traced->leaves_stop) {
      const int signal = traced->stop_signal == 0 ? sig::stop : traced->stop_signal;
      code = traced->seized ? signal | trace_event::stop << 8 : signal;
      traced->group_stop = traced->leaves_stop = true;
    } else if (interrupted) {
      code = sig::trap | trace_event::stop << 8;
    }
    if (code == 0) return false;
  }
  (void)stop_for_tracer(thread, frame, code, of_event(thread, code));
  return true;
}

void report_program(Thread& thread, int former_tid) {
  if (thread.traced == nullptr || report_event(thread, trace_event::exec, static_cast<std::uint64_t>(former_tid)))
    return;
  const base::SpinGuard guard(tasks_lock);
  const Traced* traced = traced_of(thread);
  if (traced != nullptr && !traced->seized)
    (void)send_to_thread_locked(thread, {.signal = sig::trap, .code = sig::code::user, .pid = thread.tid()});
}

void report_call(Thread& thread, arch::TrapFrame& frame, Traced::Call which) {
  int code = 0;
  {
    const base::SpinGuard guard(tasks_lock);
    Traced* traced = traced_of(thread);
    if (traced == nullptr) return;
    if (traced->steps && which == Traced::Call::Exit) frame.rflags |= trap_flag;
    if (!traced->stops_at_calls) return;
    traced->call = which;
    traced->message = which == Traced::Call::Entry ? 1 : 2;  // PTRACE_EVENTMSG_SYSCALL_*
    code = sig::trap | ((traced->options & trace_event::system_good) != 0 ? 0x80 : 0);
  }
  const int signal = stop_for_tracer(thread, frame, code, of_event(thread, code));
  if (signal <= 0) return;
  const base::SpinGuard guard(tasks_lock);
  (void)send_to_thread_locked(thread, {.signal = signal, .code = sig::code::user, .pid = tracer_of_locked(thread)});
}

int inherit_tracer_locked(const Thread& parent, Thread& child, const NewThread& how, Traced* record) {
  const Traced* from = traced_of(parent);
  if (from == nullptr || record == nullptr || how.forbids) return 0;
  const int event = how.vfork ? trace_event::vfork : how.other_signal ? trace_event::clone : trace_event::fork;
  const bool reported = (from->options & trace_event::option_of(event)) != 0;
  if (!reported && !how.wants) return 0;
  record->seized = from->seized;
  record->options = from->options;
  attach_locked(*from->tracer, child, record);
  if (record->seized)
    record->interrupt = true;
  else
    (void)child.pending.add({.signal = sig::stop, .code = sig::code::user});
  return reported ? event : 0;
}

void trace_ended_locked(Thread& thread, WaitStatus status) {
  Traced* record = std::exchange(thread.traced, nullptr);
  if (record == nullptr) return;
  Process* tracer = record->tracer;
  // Its parent hears of a process's end as any parent does.
  if (tracer == nullptr || (thread.is_leader && thread.process().parent == tracer)) {
    if (tracer != nullptr) unlink_locked(*record);
    return free_record(record);
  }
  record->thread = nullptr;
  record->entry = thread.pid_entry;
  thread.process().vnode().pids.retain(*record->entry);
  record->state = Traced::State::Ended;
  record->ended = status;
  record->told = false;
  if (thread.is_leader)
    tell_tracer_locked(*record, status, thread.tid());
  else
    tracer->child_events.wake_all();
}

}  // namespace linux_abi

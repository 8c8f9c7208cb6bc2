// SPDX-License-Identifier: Apache-2.0
// Calls about signals: see calls_signals.h.
#include "linux-abi/calls/calls_signals.h"

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/process/signal_delivery.h"
#include "linux-abi/process/signal_sending.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

namespace {

constexpr std::uint64_t signal_set_bytes = 8;
constexpr int mask_block = 0, mask_unblock = 1, mask_set = 2;

Answer<SignalSet> read_set(std::uint64_t address, std::uint64_t bytes) {
  if (bytes != signal_set_bytes) return error(EINVAL);
  return SignalSet(TRY(UserIn<std::uint64_t>(address).read()));
}

void set_mask(Thread& thread, SignalSet mask) {
  const base::SpinGuard guard(tasks_lock);
  thread.blocked = mask & ~unblockable;
  recalculate_interrupt_locked(thread);
}

bool is_signal(int signal) { return signal >= 1 && signal <= max_signal; }

}  // namespace

Answer<std::uint64_t> rt_sigaction(Call& call) {
  const int signal = Call::as_int(call.a());
  if (call.d() != signal_set_bytes || !is_signal(signal)) return error(EINVAL);
  SignalAction fresh;
  if (call.b() != 0) {
    if (unblockable.contains(signal)) return error(EINVAL);
    fresh = TRY(UserIn<SignalAction>(call.b()).read());
    fresh.mask = (SignalSet(fresh.mask) & ~unblockable).bits();
  }
  SignalAction old;
  Process& process = call.process();
  {
    const base::SpinGuard guard(tasks_lock);
    old = process.actions->actions.of(signal);
    if (call.b() != 0) {
      process.actions->actions.set(signal, fresh);
      if (process.actions->actions.ignores(signal)) {
        process.pending.discard(SignalSet::of(signal));
        process.for_each_thread(
            [&](processor::Thread& thread) { static_cast<Thread&>(thread).pending.discard(SignalSet::of(signal)); });
      }
    }
  }
  if (call.c() != 0) TRY(UserOut<SignalAction>(call.c()).write(old));
  return std::uint64_t{0};
}

Answer<std::uint64_t> rt_sigprocmask(Call& call) {
  if (call.d() != signal_set_bytes) return error(EINVAL);
  const SignalSet old = call.thread.blocked;
  if (call.b() != 0) {
    const SignalSet given = TRY(read_set(call.b(), call.d()));
    switch (Call::as_int(call.a())) {
      case mask_block:
        set_mask(call.thread, old | given);
        break;
      case mask_unblock:
        set_mask(call.thread, old & ~given);
        break;
      case mask_set:
        set_mask(call.thread, given);
        break;
      default:
        return error(EINVAL);
    }
  }
  if (call.c() != 0) TRY(UserOut<std::uint64_t>(call.c()).write(old.bits()));
  return std::uint64_t{0};
}

Answer<std::uint64_t> rt_sigpending(Call& call) {
  if (call.b() > signal_set_bytes) return error(EINVAL);
  std::uint64_t pending = 0;
  {
    const base::SpinGuard guard(tasks_lock);
    pending = ((call.thread.pending.set() | call.process().pending.set()) & call.thread.blocked).bits();
  }
  TRY(call.thread.copy_out(call.a(), std::as_bytes(std::span(&pending, 1)).first(call.b())));
  return std::uint64_t{0};
}

namespace {
// Sleeps until a signal is there that is delivered (with this mask, which the return to user mode undoes).
Answer<std::uint64_t> sleep_for_signal(Thread& thread) {
  while (true) {
    base::Waiter& waiter = thread.waiter();
    const WaitEnd end = thread.wait(waiter, base::never_ns);
    if (end == WaitEnd::Interrupted) return error(restart_no_handler);
  }
}
}  // namespace

Answer<std::uint64_t> rt_sigsuspend(Call& call) {
  const SignalSet mask = TRY(read_set(call.a(), call.b()));
  call.thread.saved_mask = call.thread.blocked;
  set_mask(call.thread, mask);
  return sleep_for_signal(call.thread);
}

Answer<std::uint64_t> pause(Call& call) { return sleep_for_signal(call.thread); }

Answer<std::uint64_t> rt_sigtimedwait(Call& call) {
  const SignalSet wanted = TRY(read_set(call.a(), call.d())) & ~unblockable;
  std::uint64_t deadline = base::never_ns;
  if (call.c() != 0) {
    const UserTimespec timeout = TRY(UserIn<UserTimespec>(call.c()).read());
    if (!is_valid(timeout)) return error(EINVAL);
    deadline = after(call.thread.now_ns(), to_ns(timeout));
  }
  Thread& thread = call.thread;
  SignalInformation taken;
  // While it waits the signals count as not blocked, so that they interrupt its sleep.
  const SignalSet real_mask = thread.blocked;
  const auto await = [&thread](SignalSet signals) {
    const base::SpinGuard guard(tasks_lock);
    thread.awaited = signals;
  };
  await(real_mask & wanted);
  set_mask(thread, real_mask & ~wanted);
  WaitEnd end = WaitEnd::Woken;
  while (true) {
    {
      const base::SpinGuard guard(tasks_lock);
      taken = thread.pending.take(wanted);
      if (taken.signal == 0) taken = thread.process().pending.take(wanted);
    }
    if (taken.signal != 0 || end != WaitEnd::Woken) break;
    end = thread.wait(thread.waiter(), deadline);
  }
  set_mask(thread, real_mask);
  await({});
  if (taken.signal == 0) return error(end == WaitEnd::TimedOut ? EAGAIN : EINTR);
  if (call.b() != 0) TRY(thread.copy_out(call.b(), user_layout(taken)));
  return static_cast<std::uint64_t>(taken.signal);
}

Answer<std::uint64_t> rt_sigreturn(Call& call) {
  call.thread.restart_code = 0;
  return return_from_handler(call.thread, call.frame);
}

Answer<std::uint64_t> sigaltstack(Call& call) {
  struct UserStack {
    std::uint64_t address;
    std::int32_t flags, padding;
    std::uint64_t bytes;
  };
  constexpr std::uint32_t on_stack = 1, disabled = 2, autodisarm = 1U << 31;
  constexpr std::uint64_t smallest = 2048;  // MINSIGSTKSZ
  AlternateStack& stack = call.thread.alternate_stack;
  const bool in_use = (stack.flags & (disabled | autodisarm)) == 0 && call.frame.rsp > stack.address &&
                      call.frame.rsp - stack.address <= stack.bytes;
  const UserStack old{stack.address, static_cast<std::int32_t>(stack.flags | (in_use ? on_stack : 0U)), 0, stack.bytes};
  if (call.a() != 0) {
    const UserStack given = TRY(UserIn<UserStack>(call.a()).read());
    const auto flags = static_cast<std::uint32_t>(given.flags);
    if (in_use) return error(EPERM);
    const std::uint32_t mode = flags & ~autodisarm;
    if (mode != 0 && mode != on_stack && mode != disabled) return error(EINVAL);
    if (mode == disabled) {
      stack = {};
    } else {
      if (given.bytes < smallest) return error(ENOMEM);
      stack = {given.address, given.bytes, flags & autodisarm};
    }
  }
  if (call.b() != 0) TRY(UserOut<UserStack>(call.b()).write(old));
  return std::uint64_t{0};
}

SignalInformation signal_from_user(const Call& call, int signal, int code) {
  return {.signal = signal, .code = code, .pid = call.process().pid(), .uid = call.thread.user.uid};
}

namespace {

Answer<> check_and_send_locked(Call& call, Process& target, const SignalInformation& information) {
  if (!may_signal(call.thread.user, call.process(), target, information.signal)) return error(EPERM);
  return send_to_process_locked(target, information);
}

// Every process that `chosen` accepts; EPERM if none may be signalled, ESRCH if none was found.
template <typename Chosen>
Answer<> send_to_many_locked(Call& call, const SignalInformation& information, Chosen chosen) {
  Pids& pids = call.process().vnode().pids;
  bool found = false, sent = false;
  Errno failure(ESRCH);
  for (PidEntry* entry = pids.next(0); entry != nullptr; entry = pids.next(entry->pid + 1)) {
    if (entry->process == nullptr || !chosen(*entry->process)) continue;
    found = true;
    const Answer<> done = check_and_send_locked(call, *entry->process, information);
    if (done)
      sent = true;
    else
      failure = done.error();
  }
  if (sent) return {};
  return std::unexpected(found ? failure : Errno(ESRCH));
}

// The vNode's init ignores what it is sent.
Answer<std::uint64_t> send_to_init_locked(Call& call) {
  return call.process().vnode().init.may_be_signalled_by(call.thread.user) ? std::uint64_t{0}
                                                                           : Answer<std::uint64_t>(error(EPERM));
}

// A process is named by the ids of its threads too.
Process* process_named_locked(Call& call, int pid) {
  const PidEntry* entry = call.process().vnode().pids.find(pid);
  if (entry == nullptr) return nullptr;
  if (entry->process == nullptr && entry->thread != nullptr) return &entry->thread->process();
  return entry->process;
}

}  // namespace

Answer<std::uint64_t> kill(Call& call) {
  const int pid = Call::as_int(call.a()), signal = Call::as_int(call.b());
  if (signal < 0 || signal > max_signal) return error(EINVAL);
  const SignalInformation information = signal_from_user(call, signal, sig::code::user);
  const base::SpinGuard guard(tasks_lock);
  if (pid == kernel_pid) return send_to_init_locked(call);
  if (pid > 0) {
    Process* target = process_named_locked(call, pid);
    if (target == nullptr) return error(ESRCH);
    TRY(check_and_send_locked(call, *target, information));
    return std::uint64_t{0};
  }
  if (pid == -1) {
    TRY(send_to_many_locked(call, information, [&](const Process& target) { return &target != &call.process(); }));
    return std::uint64_t{0};
  }
  const int group = pid == 0 ? call.process().group->pid : -pid;
  TRY(send_to_many_locked(call, information, [group](const Process& target) { return target.group->pid == group; }));
  return std::uint64_t{0};
}

namespace {

Answer<std::uint64_t> send_to_tid(Call& call, int process, int tid, const SignalInformation& information) {
  const base::SpinGuard guard(tasks_lock);
  if (tid == kernel_pid && (process == 0 || process == tid)) return send_to_init_locked(call);
  const PidEntry* entry = call.process().vnode().pids.find(tid);
  Thread* target = entry == nullptr ? nullptr : entry->thread;
  if (target == nullptr || (process != 0 && target->process().pid() != process)) {
    // A zombie's leader can still be named; nothing happens to it.
    if (entry != nullptr && entry->process != nullptr && (process == 0 || process == tid)) return std::uint64_t{0};
    return error(ESRCH);
  }
  if (!may_signal(call.thread.user, call.process(), target->process(), information.signal)) return error(EPERM);
  TRY(send_to_thread_locked(*target, information));
  return std::uint64_t{0};
}

}  // namespace

Answer<std::uint64_t> tkill(Call& call) {
  const int tid = Call::as_int(call.a()), signal = Call::as_int(call.b());
  if (tid <= 0 || signal < 0 || signal > max_signal) return error(EINVAL);
  return send_to_tid(call, 0, tid, signal_from_user(call, signal, sig::code::tkill));
}

Answer<std::uint64_t> tgkill(Call& call) {
  const int process = Call::as_int(call.a()), tid = Call::as_int(call.b()), signal = Call::as_int(call.c());
  if (process <= 0 || tid <= 0 || signal < 0 || signal > max_signal) return error(EINVAL);
  return send_to_tid(call, process, tid, signal_from_user(call, signal, sig::code::tkill));
}

namespace {

// What a user may put into siginfo: not what only the kernel sends, unless it is for itself.
Answer<SignalInformation> read_information(Call& call, std::uint64_t address, int signal, bool to_itself) {
  SignalInformationBytes bytes;
  TRY(call.thread.copy_in(bytes, address));
  SignalInformation information = from_user_layout(bytes);
  information.signal = signal;
  if ((information.code >= 0 || information.code == sig::code::tkill) && !to_itself) return error(EPERM);
  return information;
}

}  // namespace

Answer<std::uint64_t> rt_sigqueueinfo(Call& call) {
  const int pid = Call::as_int(call.a()), signal = Call::as_int(call.b());
  if (signal < 0 || signal > max_signal) return error(EINVAL);
  const SignalInformation information = TRY(read_information(call, call.c(), signal, pid == call.process().pid()));
  const base::SpinGuard guard(tasks_lock);
  if (pid == kernel_pid) return send_to_init_locked(call);
  Process* target = process_named_locked(call, pid);
  if (target == nullptr) return error(ESRCH);
  TRY(check_and_send_locked(call, *target, information));
  return std::uint64_t{0};
}

Answer<std::uint64_t> rt_tgsigqueueinfo(Call& call) {
  const int process = Call::as_int(call.a()), tid = Call::as_int(call.b()), signal = Call::as_int(call.c());
  if (process <= 0 || tid <= 0 || signal < 0 || signal > max_signal) return error(EINVAL);
  const SignalInformation information = TRY(read_information(call, call.d(), signal, tid == call.thread.tid()));
  return send_to_tid(call, process, tid, information);
}

}  // namespace linux_abi::calls

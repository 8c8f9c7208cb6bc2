// SPDX-License-Identifier: Apache-2.0
// Signals about files: see file_owner.h.
#include "linux-abi/files/file_owner.h"

#include <asm/poll.h>

#include <array>
#include <atomic>

#include "kernel/base/memory.h"
#include "kernel/threads/scheduler.h"
#include "linux-abi/process/signal_sending.h"
#include "linux-abi/time/timer_service.h"

namespace linux_abi {
namespace {

// What si_code and si_band say of an event.
constexpr int code_in = 1, code_out = 2, code_message = 3;
constexpr std::uint32_t in_events = POLLIN | POLLRDNORM | POLLHUP, out_events = POLLOUT | POLLWRNORM;
constexpr std::int32_t in_band = POLLIN | POLLRDNORM, out_band = POLLOUT | POLLWRNORM | POLLWRBAND,
                       message_band = POLLIN | POLLRDNORM | POLLMSG;
// How long the end of a call has to send what it caused, before the timer thread does.
constexpr std::uint64_t patience_ns = base::millisecond_ns;

base::SpinLock owners_lock{base::LockRank::PollWait};
boost::intrusive::list<FileOwner, boost::intrusive::base_hook<FileSignalHook>,
                       boost::intrusive::constant_time_size<false>>
    pending;                           // guarded by owners_lock
std::atomic<bool> has_pending{false};  // relaxed: who adds to the list also arms the timer

// Sends what no call sends at its end.
class Sender final : public KernelTimer {
 public:
  void expired() override { send_file_signals(); }
} sender;

void send_to_one_locked(const FileSignal& wanted, Process& process, Thread* thread) {
  bool allowed = wanted.effective_uid == 0;
  process.for_each_thread([&](processor::Thread& each) {
    const Credentials& user = static_cast<Thread&>(each).user;
    allowed = allowed || wanted.effective_uid == user.uid || wanted.effective_uid == user.saved_uid ||
              wanted.uid == user.uid || wanted.uid == user.saved_uid;
  });
  if (!allowed) return;
  const auto send = [&](const SignalInformation& information) {
    return thread != nullptr ? send_to_thread_locked(*thread, information)
                             : send_to_process_locked(process, information);
  };
  // si_band and si_fd lie where others have a pid and a value.
  if (wanted.signal != 0 && send({.signal = wanted.signal,
                                  .code = wanted.code,
                                  .pid = wanted.band,
                                  .value = static_cast<std::uint32_t>(wanted.descriptor)}))
    return;
  // Nothing else was asked for, or the queue is full.
  (void)send({.signal = sig::io, .code = sig::code::kernel});
}

void send(const FileSignal& wanted, VNode& vnode) {
  const base::SpinGuard guard(tasks_lock);
  if (wanted.to.kind == OwnerKind::Group) {
    for (PidEntry* entry = vnode.pids.next(0); entry != nullptr; entry = vnode.pids.next(entry->pid + 1)) {
      Process* process = entry->process;
      if (process != nullptr && process->group != nullptr && process->group->pid == wanted.to.number)
        send_to_one_locked(wanted, *process, nullptr);
    }
    return;
  }
  const PidEntry* entry = vnode.pids.find(wanted.to.number);
  if (entry == nullptr) return;
  if (wanted.to.kind == OwnerKind::Thread && entry->thread != nullptr)
    send_to_one_locked(wanted, entry->thread->process(), entry->thread);
  if (wanted.to.kind == OwnerKind::Process && entry->process != nullptr)
    send_to_one_locked(wanted, *entry->process, nullptr);
}

}  // namespace

bool can_tell_owner(OpenFile& file) {
  return file.pipe() != nullptr || file.socket() != nullptr || file.inotify() != nullptr || file.is_terminal();
}

bool has_file_signals() { return has_pending.load(std::memory_order_relaxed); }

Answer<FileOwner*> FileOwner::of(OpenFile& file) {
  if (FileOwner* known = file.owner()) return known;
  auto made = base::make<FileOwner>(file);
  if (!made) return error(ENOMEM);
  const threads::MutexGuard guard(poll_sets_mutex);
  if (FileOwner* known = file.owner()) return known;  // another thread was first
  file.set_owner(made.get());
  file.add_end(*made);
  return made.release();
}

Answer<> FileOwner::check(OwnerName name, Thread& by) const {
  if (name.number == 0 || name.number == kernel_pid) return {};
  const base::SpinGuard guard(tasks_lock);
  return by.process().vnode().pids.find(name.number) == nullptr ? error(ESRCH) : Answer<>();
}

void FileOwner::become(OwnerName name, Thread& by) {
  auto vnode = name.number == 0 ? processor::Reference<VNode>() : by.process().share_vnode();
  // What was there ends after the lock.
  const base::SpinGuard guard(owners_lock);
  name_ = name;
  std::swap(vnode_, vnode);
  uid_ = by.user.uid;
  effective_uid_ = by.user.effective_uid;
}

Answer<> FileOwner::set(OwnerName name, Thread& by) {
  TRY(check(name, by));
  become(name, by);
  return {};
}

void FileOwner::set_default(Thread& by) {
  if (get().number == 0) become({OwnerKind::Process, by.process().pid()}, by);
}

OwnerName FileOwner::get() const {
  const base::SpinGuard guard(owners_lock);
  return name_;
}

void FileOwner::set_signal(int signal) {
  const base::SpinGuard guard(owners_lock);
  signal_ = signal;
}

int FileOwner::signal() const {
  const base::SpinGuard guard(owners_lock);
  return signal_;
}

void FileOwner::set_descriptor(int descriptor) {
  const base::SpinGuard guard(owners_lock);
  descriptor_ = descriptor;
}

// poll_sets_mutex orders starts and stops of several threads.
void FileOwner::start(int descriptor) {
  const threads::MutexGuard guard(poll_sets_mutex);
  set_descriptor(descriptor);
  if (std::exchange(watches_, true)) return;
  file_.poll_source()->add(*this);
}

void FileOwner::stop() {
  const threads::MutexGuard guard(poll_sets_mutex);
  if (!std::exchange(watches_, false)) return;
  file_.poll_source()->remove(*this);
}

FileSignal FileOwner::signal_locked(int code, std::int32_t band) const {
  return {name_, signal_, code, band, descriptor_, uid_, effective_uid_};
}

void FileOwner::tell(int code, std::int32_t band) {
  FileSignal wanted;
  processor::Reference<VNode> vnode;
  {
    const base::SpinGuard guard(owners_lock);
    if (name_.number == 0) return;
    wanted = signal_locked(code, band);
    vnode = vnode_;
  }
  send(wanted, *vnode);
}

void FileOwner::notified(std::uint32_t events) {
  if (events == 0) events = file_.readable() ? in_events : out_events;
  events &= (file_.readable() ? in_events : 0) | (file_.writable() ? out_events : 0);
  if (events != 0) remember(events);
}

void FileOwner::remember_message() { remember(POLLMSG); }

void FileOwner::remember(std::uint32_t events) {
  {
    const base::SpinGuard guard(owners_lock);
    if (name_.number == 0) return;
    pending_events_ |= events;
    if (!FileSignalHook::is_linked()) pending.push_back(*this);
    has_pending.store(true, std::memory_order_relaxed);
  }
  arm_timer(sender, threads::clock().now_ns() + patience_ns);
}

void FileOwner::file_ended() {
  if (watches_) file_.poll_source()->remove(*this);
  file_.remove_end(*this);
  {
    const base::SpinGuard guard(owners_lock);
    if (FileSignalHook::is_linked()) pending.erase(pending.iterator_to(*this));
  }
  base::Own<FileOwner>(this).reset();
}

void send_file_signals() {
  while (true) {
    std::array<FileSignal, 3> signals;
    std::size_t count = 0;
    processor::Reference<VNode> vnode;
    {
      const base::SpinGuard guard(owners_lock);
      if (pending.empty()) {
        has_pending.store(false, std::memory_order_relaxed);
        return;
      }
      FileOwner& owner = pending.front();
      pending.pop_front();
      const std::uint32_t events = std::exchange(owner.pending_events_, 0);
      if (owner.name_.number == 0) continue;
      if ((events & in_events) != 0) signals[count++] = owner.signal_locked(code_in, in_band);
      if ((events & out_events) != 0) signals[count++] = owner.signal_locked(code_out, out_band);
      if ((events & POLLMSG) != 0) signals[count++] = owner.signal_locked(code_message, message_band);
      vnode = owner.vnode_;
    }
    for (const FileSignal& each : std::span(signals).first(count)) send(each, *vnode);
  }
}

}  // namespace linux_abi

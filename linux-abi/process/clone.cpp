// SPDX-License-Identifier: Apache-2.0
// New processes and threads: see clone.h.
#include "linux-abi/process/clone.h"

#include "arch/x86_64/user_mode.h"
#include "arch/x86_64/user_ptr.h"
#include "kernel/base/memory.h"
#include "linux-abi/files/process_file.h"
#include "linux-abi/process/signal_sending.h"
#include "linux-abi/process/tracing.h"
#include "linux-abi/time/interval_timers.h"

namespace linux_abi {
namespace {

bool has(const CloneRequest& request, std::uint64_t flag) { return (request.flags & flag) != 0; }

Answer<> check(const CloneRequest& request) {
  using namespace clone_flag;
  if (has(request, clone_flag::fs) && (has(request, newns) || has(request, newuser))) return error(EINVAL);
  if ((request.flags & new_namespaces) != 0) return error(EPERM);
  if (has(request, pidfd) && (has(request, detached) || has(request, clone_flag::thread))) return error(EINVAL);
  if (has(request, pidfd) && request.pidfd == request.parent_tid && has(request, parent_settid)) return error(EINVAL);
  if (has(request, clone_flag::thread) && !has(request, sighand)) return error(EINVAL);
  if (has(request, sighand) && !has(request, vm)) return error(EINVAL);
  if (has(request, sighand) && has(request, clear_sighand)) return error(EINVAL);
  if (request.exit_signal < 0 || request.exit_signal > max_signal) return error(EINVAL);
  if (has(request, settls) && !arch::is_valid_segment_base(request.tls)) return error(EPERM);
  return {};
}

Answer<> share_or_copy(Process& from, Process& to, const CloneRequest& request) {
  if (has(request, clone_flag::files))
    to.descriptors = from.descriptors;
  else
    to.descriptors = TRY(from.descriptors->copy());
  if (has(request, clone_flag::fs))
    to.files = from.files;
  else
    to.files = TRY(from.files->copy());
  to.program = from.program;
  to.arguments_start = from.arguments_start;
  to.arguments_end = from.arguments_end;
  to.environment_end = from.environment_end;
  to.auxiliary = from.auxiliary;
  if (has(request, clone_flag::sighand)) {
    to.actions = from.actions;
    return {};
  }
  auto actions = base::make<SharedActions>();
  if (!actions) return error(ENOMEM);
  const base::SpinGuard guard(tasks_lock);
  actions->actions = from.actions->actions;
  if (has(request, clone_flag::clear_sighand)) actions->actions.reset_all();
  to.actions = processor::Reference<SharedActions>(*actions.release());
  return {};
}

Answer<Process*> copy_process(Thread& parent, const CloneRequest& request) {
  Process& from = parent.process();
  processor::Reference<processor::AddressSpace> space;
  if (has(request, clone_flag::vm))
    space = from.share_space();
  else
    space = TRY(processor::fork_space(from.space(), parent.sleeper()));
  Process* child = TRY(
      Process::create(processor::Reference<processor::Family>(from.family()), std::move(space), from.share_vnode()));
  base::Own<Process> owned(child);
  TRY(share_or_copy(from, *child, request));
  child->launch = from.launch;
  child->exit_signal = request.exit_signal;
  child->dumpable = from.dumpable;
  child->core_filter = from.core_filter;
  const base::SpinGuard guard(tasks_lock);
  child->limits = from.limits;
  child->name = from.name;
  child->persona.set(from.persona.bits());
  child->oom_score_adjustment.store(from.oom_score_adjustment.load(std::memory_order_relaxed),
                                    std::memory_order_relaxed);
  child->barriers.store(from.barriers.load(std::memory_order_relaxed), std::memory_order_relaxed);
  child->terminal = from.terminal;
  return owned.release();
}

// The thread with its registers, not yet running.
Answer<Thread*> make_thread(Thread& parent, Process& process, const arch::TrapFrame& frame,
                            const CloneRequest& request) {
  auto thread = base::make<Thread>(process);
  if (!thread) return error(ENOMEM);
  arch::TrapFrame child_frame = frame;
  child_frame.rax = 0;
  if (request.stack != 0) child_frame.rsp = request.stack;
  TRY(thread->prepare(parent.kernel_thread().name(), child_frame));
  threads::Thread& kernel = thread->kernel_thread();
  arch::UserSegmentBases bases = parent.kernel_thread().segment_bases();
  if (has(request, clone_flag::settls)) bases.fs = request.tls;
  kernel.set_segment_bases(bases);
  kernel.write_fpu().copy_from(parent.kernel_thread().read_fpu());
  {
    const base::SpinGuard guard(tasks_lock);
    thread->scheduling = parent.scheduling.inherited();
  }
  thread->scheduling.apply(kernel);
  (void)kernel.set_affinity(parent.kernel_thread().affinity());  // the parent has it, so it is possible
  thread->user = parent.user;
  thread->io_priority = parent.io_priority;
  thread->timer_slack_ns = thread->first_timer_slack_ns = parent.timer_slack_ns;
  thread->memory_error_policy = parent.memory_error_policy;
  thread->is_io_flusher = parent.is_io_flusher;
  thread->blocked = parent.blocked;
  {
    const base::SpinGuard guard(tasks_lock);
    thread->filters = parent.filters;
    thread->no_new_privileges = parent.no_new_privileges;
  }
  if (has(request, clone_flag::child_cleartid)) thread->clear_child_tid = request.child_tid;
  if (!has(request, clone_flag::vm)) inherit_sequences(*thread, parent);
  const bool shares_stack = has(request, clone_flag::vm) && !has(request, clone_flag::vfork);
  if (!shares_stack) thread->alternate_stack = parent.alternate_stack;
  return thread.release();
}

void add_process_locked(Process& parent, Process& child, Thread& thread, const CloneRequest& request) {
  Pids& pids = child.vnode().pids;
  child.pid_entry = thread.pid_entry;
  child.pid_entry->process = &child;
  child.group = parent.group;
  child.session = parent.session;
  pids.retain(*child.group);
  pids.retain(*child.session);
  Process* adopter = has(request, clone_flag::parent) ? parent.parent : &parent;
  // A sibling's parent hears of it what it hears of the process itself: clone() chooses no signals for others.
  if (adopter != &parent) child.exit_signal = parent.exit_signal;
  child.parent = adopter;
  if (adopter != nullptr) adopter->children.push_back(child);
  child.vfork_child = has(request, clone_flag::vfork);
  thread.is_leader = true;
}

void wait_for_vfork_child(Thread& parent, int pid) {
  while (true) {
    processor::Sleeper& sleeper = parent.sleeper();
    {
      const base::SpinGuard guard(tasks_lock);
      const PidEntry* entry = parent.process().vnode().pids.find(pid);
      const Process* child = entry == nullptr ? nullptr : entry->process;
      if (child == nullptr || child->parent != &parent.process() || !child->vfork_child) return;
      parent.process().state_changes.add(sleeper);
    }
    if (sleeper.sleep()) continue;
    const base::SpinGuard guard(tasks_lock);
    sleeper.unlink();
    return;
  }
}

// RLIMIT_NPROC: EAGAIN.
Answer<> check_count_locked(const Thread& parent) {
  const Credentials& user = parent.user;
  const std::uint64_t most = parent.process().limits.of(Resource::Processes).soft;
  Pids& pids = parent.process().vnode().pids;
  if (user.uid == 0 || user.may(Capability::Resources) || user.is_root() || pids.count() < most) return {};
  std::uint64_t threads = 0;
  for (PidEntry* entry = pids.next(0); entry != nullptr; entry = pids.next(entry->pid + 1))
    if (entry->thread != nullptr && entry->thread->user.uid == user.uid) ++threads;
  return threads >= most ? error(EAGAIN) : Answer<>();
}

// The descriptor that CLONE_PIDFD makes: there before the child is, so that nothing can fail any more, and gone again
// unless the child comes to be.
class ChildDescriptor {
 public:
  ChildDescriptor(Thread& parent, const CloneRequest& request) : parent_(parent), request_(request) {}
  ~ChildDescriptor() {
    if (number_ >= 0) (void)parent_.descriptors().close(number_, parent_.process_id());
  }
  Answer<> make() {
    if (!has(request_, clone_flag::pidfd)) return {};
    file_ = TRY(ProcessFile::create(parent_.process().share_vnode(), 0));
    const auto limit = static_cast<std::uint32_t>(parent_.limit(static_cast<int>(Resource::Files)));
    number_ = TRY(parent_.descriptors().install(OpenFileReference(*file_), CloseOnExec::Yes, limit));
    if (!arch::UserOut<std::int32_t>(request_.pidfd).write(number_)) return error(EFAULT);
    return {};
  }
  void name_locked(const Process& child) {
    if (!file_) return;
    file_->name_locked(child);
    number_ = -1;
  }

 private:
  Thread& parent_;
  const CloneRequest& request_;
  processor::Reference<ProcessFile> file_;
  int number_ = -1;
};

NewThread of_tracing(const CloneRequest& request) {
  constexpr std::uint64_t untraced = 0x800000;
  return {.vfork = has(request, clone_flag::vfork),
          .other_signal = has(request, clone_flag::thread) || request.exit_signal != sig::chld,
          .wants = has(request, clone_flag::ptrace),
          .forbids = has(request, untraced)};
}

}  // namespace

Answer<std::uint64_t> clone_thread(Thread& parent, const arch::TrapFrame& frame, const CloneRequest& request) {
  TRY(check(request));
  const bool new_process = !has(request, clone_flag::thread);
  base::Own<Process> child;
  if (new_process) child = base::Own<Process>(TRY(copy_process(parent, request)));
  Process& process = new_process ? *child : parent.process();
  base::Own<Thread> thread(TRY(make_thread(parent, process, frame, request)));
  base::Own<Traced> record;  // of the child, if the parent's tracer wants it
  if (parent.traced != nullptr) record = base::make<Traced>();
  int event = 0;
  ChildDescriptor descriptor(parent, request);
  TRY(descriptor.make());
  int pid = 0;
  {
    const base::SpinGuard guard(tasks_lock);
    if (parent.process().group_exit) return error(EINTR);
    TRY(check_count_locked(parent));
    if (new_process && process.limits.of(Resource::Cpu).soft != unlimited) TRY(bind_processor_time_locked(process));
    PidEntry* entry = TRY(process.vnode().pids.allocate());
    thread->pid_entry = entry;
    entry->thread = thread.get();
    pid = entry->pid;
    if (new_process) add_process_locked(parent.process(), process, *thread, request);
    ++process.live_threads;
    event = inherit_tracer_locked(parent, *thread, of_tracing(request), record.get());
    if (thread->traced != nullptr) (void)record.release();
    descriptor.name_locked(process);
  }
  // Linux writes both before the child can run; a bad address is ignored there too.
  if (has(request, clone_flag::parent_settid)) (void)arch::UserOut<std::int32_t>(request.parent_tid).write(pid);
  if (has(request, clone_flag::child_settid) && has(request, clone_flag::vm))
    (void)arch::UserOut<std::int32_t>(request.child_tid).write(pid);
  if (has(request, clone_flag::child_settid) && !has(request, clone_flag::vm))
    thread->set_child_tid = request.child_tid;
  thread->kernel_thread().interrupt();  // so that it passes the hook that writes its tid
  thread.release()->start();
  child.release();
  if (event != 0) (void)report_event(parent, event, static_cast<std::uint64_t>(pid));
  if (!has(request, clone_flag::vfork)) return static_cast<std::uint64_t>(pid);
  wait_for_vfork_child(parent, pid);
  (void)report_event(parent, trace_event::vfork_done, static_cast<std::uint64_t>(pid));
  return static_cast<std::uint64_t>(pid);
}

}  // namespace linux_abi

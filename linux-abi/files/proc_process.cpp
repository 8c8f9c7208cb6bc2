// SPDX-License-Identifier: Apache-2.0
// The texts of /proc about what a process is doing, which everybody may see: see proc_texts.h.
#include <algorithm>
#include <cstring>

#include "linux-abi/abi/structures.h"
#include "linux-abi/console/terminal.h"
#include "linux-abi/files/file_context.h"
#include "linux-abi/files/hexadecimal.h"
#include "linux-abi/files/proc_texts.h"
#include "linux-abi/process/inspection.h"
#include "linux-abi/process/tracing.h"
#include "linux-abi/process/usage.h"
#include "processor/address_space.h"

namespace linux_abi {
namespace {

// A copy of what is shown of a process, taken under the lock.
struct Facts {
  std::array<char, 16> name{};
  char state = 'R';
  int pid = 0, process = 0, parent = 0, group = 0, session = 0;  // pid: of the thread
  Scheduling scheduling;
  std::uint32_t core = 0;
  processor::Reference<processor::AddressSpace> space;  // none: it has ended
  processor::SpaceUsage usage() const { return space ? processor::usage(*space) : processor::SpaceUsage{}; }
  std::uint32_t threads = 0;
  std::uint32_t descriptors = 0;  // room for so many; 0 for a zombie
  std::uint32_t uid = 0, effective_uid = 0, saved_uid = 0, gid = 0, effective_gid = 0, saved_gid = 0;
  ProcessTimes times, children_times;
  Capabilities capabilities;
  std::uint64_t locked_bytes = 0;
  std::uint64_t start_ns = 0;
  std::uint64_t pending = 0, process_pending = 0, blocked = 0, ignored = 0, caught = 0;
  int tracer = 0;
  std::uint64_t terminal = 0;  // its device; 0: none
  int foreground = -1;
  int exit_signal = sig::chld;
  bool no_new_privileges = false;
  CallFilters filters;
  processor::Reference<FileContext> files;
  std::array<std::uint32_t, Credentials::max_groups> groups{};
  std::uint32_t group_count = 0;
};

// The vNode's init: part of the kernel, so that there is little to say of it.
Facts facts_of_kernel(const Init& init) {
  Facts facts;
  std::memcpy(facts.name.data(), "init", 4);
  facts.state = 'S';
  facts.pid = facts.process = facts.group = facts.session = kernel_pid;
  facts.threads = 1;
  facts.scheduling = init.scheduling;
  facts.capabilities = init.user.capabilities;
  return facts;
}

Answer<Facts> facts_of(int pid, Caller& caller) {
  const base::SpinGuard guard(tasks_lock);
  if (pid == kernel_pid) return facts_of_kernel(static_cast<Thread&>(caller).process().vnode().init);
  Facts facts;
  Pids& pids = static_cast<Thread&>(caller).process().vnode().pids;
  const PidEntry* entry = pids.find(pid);
  if (entry == nullptr) return error(ESRCH);
  Process* process = entry->process;
  if (process == nullptr && entry->thread != nullptr) process = &entry->thread->process();
  if (process == nullptr) return error(ESRCH);
  facts.name = process->name;
  facts.pid = pid;
  facts.process = process->pid();
  facts.parent = process->parent_pid();
  facts.space = process->share_space();
  facts.group = process->group->pid;
  facts.session = process->session->pid;
  facts.threads = process->live_threads;
  facts.locked_bytes = process->locked_memory.bytes();
  facts.files = process->files;
  facts.exit_signal = process->exit_signal;
  if (process->terminal != nullptr) {
    facts.terminal = process->terminal->device();
    facts.foreground = process->terminal->foreground_locked();
  }
  if (process->descriptors) facts.descriptors = process->descriptors->capacity();
  facts.times = times_of_locked(*process);
  facts.children_times = process->children_times;
  facts.start_ns = process->start_ns;
  facts.process_pending = process->pending.set().bits();
  for (int signal = 1; signal <= max_signal && process->actions; ++signal) {
    const SignalAction& action = process->actions->actions.of(signal);
    if (action.handler == SignalAction::ignored) facts.ignored |= SignalSet::of(signal).bits();
    if (action.has_handler()) facts.caught |= SignalSet::of(signal).bits();
  }
  bool leader_runs = false, leader_left = true, traced_stop = false;
  process->for_each_thread([&](processor::Thread& each) {
    auto& thread = static_cast<Thread&>(each);
    const Credentials& user = thread.user;
    facts.capabilities = user.capabilities;
    facts.uid = user.uid, facts.effective_uid = user.effective_uid, facts.saved_uid = user.saved_uid;
    facts.gid = user.gid, facts.effective_gid = user.effective_gid, facts.saved_gid = user.saved_gid;
    facts.group_count = user.group_count;
    facts.groups = user.groups;
    facts.pending = thread.pending.set().bits();
    facts.blocked = thread.blocked.bits();
    if (thread.tid() != facts.pid) return;
    leader_left = false;
    facts.tracer = tracer_of_locked(thread);
    traced_stop = is_stopped_for_tracer_locked(thread);
    facts.filters = thread.filters;
    facts.no_new_privileges = thread.no_new_privileges != 0;
    threads::Thread& kernel = thread.kernel_thread();
    leader_runs = !kernel.is_blocked();
    facts.scheduling = thread.scheduling;
    facts.core = kernel.last_core();
    if (thread.is_leader) return;
    const threads::ThreadTimes own = kernel.times();
    facts.times = {own.user_ns, own.system_ns};
    facts.name = {};
    std::memcpy(facts.name.data(), kernel.name().data(), std::min(kernel.name().size(), facts.name.size() - 1));
  });
  // As in Linux, that of the first thread, which may have left before the others.
  facts.state = process->state == ProcessState::Zombie || leader_left ? 'Z'
                : traced_stop                                         ? 't'
                : process->state == ProcessState::Stopped             ? 'T'
                : leader_runs                                         ? 'R'
                                                                      : 'S';
  return facts;
}

std::string_view state_name(char state) {
  switch (state) {
    case 'R':
      return "R (running)";
    case 'T':
      return "T (stopped)";
    case 't':
      return "t (tracing stop)";
    case 'Z':
      return "Z (zombie)";
    default:
      return "S (sleeping)";
  }
}

Answer<> add_set(TextWriter& out, std::string_view name, std::uint64_t set) {
  TRY(out.add("{}:\t", name));
  TRY(add_padded_hex(out, set, 16));
  return out.add_text("\n");
}

}  // namespace

namespace {
Answer<> add_groups(TextWriter& out, const Facts& facts) {
  TRY(out.add_text("Groups:\t"));
  for (std::uint32_t i = 0; i < facts.group_count; ++i) TRY(out.add("{} ", facts.groups[i]));
  return out.add_text("\n");
}

// Of what has ended nothing is mapped, and Linux leaves the lines out.
Answer<> add_memory(TextWriter& out, const Facts& facts) {
  if (!facts.space) return {};
  const processor::SpaceUsage usage = facts.usage();
  TRY(out.add("VmPeak:\t{} kB\nVmSize:\t{} kB\nVmLck:\t{} kB\nVmPin:\t0 kB\nVmHWM:\t{} kB\nVmRSS:\t{} kB\n",
              usage.mapped * 4, usage.mapped * 4, facts.locked_bytes / 1024, usage.most_resident * 4,
              usage.resident * 4));
  return out.add_text("VmSwap:\t0 kB\n");
}
}  // namespace

Answer<> proc_pid_status(TextWriter& out, int pid, Caller& caller) {
  const Facts facts = TRY(facts_of(pid, caller));
  TRY(out.add("Name:\t{}\n", std::string_view(facts.name.data())));
  if (facts.files) {
    const std::uint32_t umask = facts.files->umask();
    TRY(out.add("Umask:\t0{}{}{}\n", umask >> 6 & 7, umask >> 3 & 7, umask & 7));
  }
  TRY(out.add("State:\t{}\nTgid:\t{}\nNgid:\t0\nPid:\t{}\nPPid:\t{}\nTracerPid:\t{}\n", state_name(facts.state),
              facts.process, facts.pid, facts.parent, facts.tracer));
  TRY(out.add("Uid:\t{}\t{}\t{}\t{}\n", facts.uid, facts.effective_uid, facts.saved_uid, facts.effective_uid));
  TRY(out.add("Gid:\t{}\t{}\t{}\t{}\n", facts.gid, facts.effective_gid, facts.saved_gid, facts.effective_gid));
  TRY(out.add("FDSize:\t{}\n", facts.descriptors));
  TRY(add_groups(out, facts));
  TRY(add_memory(out, facts));
  TRY(out.add("Threads:\t{}\n", facts.threads));
  TRY(add_set(out, "SigPnd", facts.pending));
  TRY(add_set(out, "ShdPnd", facts.process_pending));
  TRY(add_set(out, "SigBlk", facts.blocked));
  TRY(add_set(out, "SigIgn", facts.ignored));
  TRY(add_set(out, "SigCgt", facts.caught));
  TRY(add_set(out, "CapInh", facts.capabilities.inheritable));
  TRY(add_set(out, "CapPrm", facts.capabilities.permitted));
  TRY(add_set(out, "CapEff", facts.capabilities.effective));
  TRY(add_set(out, "CapBnd", facts.capabilities.bounding));
  TRY(add_set(out, "CapAmb", facts.capabilities.ambient));
  unsigned filters = 0;
  for (const CallFilter* each = facts.filters.newest.get(); each != nullptr; each = each->older.get()) ++filters;
  return out.add("NoNewPrivs:\t{}\nSeccomp:\t{}\nSeccomp_filters:\t{}\n", facts.no_new_privileges ? 1 : 0,
                 static_cast<unsigned>(facts.filters.mode), filters);
}

Answer<> proc_pid_stat(TextWriter& out, int pid, Caller& caller) {
  const Facts facts = TRY(facts_of(pid, caller));
  constexpr std::uint64_t tick = ns_per_second / 100;
  const processor::SpaceUsage usage = facts.usage();
  TRY(out.add("{} ({}) {} {} {} {} {} {} 4194304 0 0 0 0 ", facts.pid, std::string_view(facts.name.data()), facts.state,
              facts.parent, facts.group, facts.session, facts.terminal, facts.foreground));
  TRY(out.add("{} {} {} {} {} {} {} 0 {} {} {} 18446744073709551615 0 0 0 0 0 ", facts.times.user_ns / tick,
              facts.times.system_ns / tick, facts.children_times.user_ns / tick, facts.children_times.system_ns / tick,
              facts.scheduling.is_realtime() ? -1 - facts.scheduling.priority : 20 + facts.scheduling.nice,
              facts.scheduling.nice, facts.threads, facts.start_ns / tick, usage.mapped * 4096, usage.resident));
  return out.add("{} {} {} {} 0 0 0 {} {} {} {} 0 0 0 0 0 0 0 0 0 0 0\n", facts.pending, facts.blocked, facts.ignored,
                 facts.caught, facts.exit_signal, facts.core, facts.scheduling.priority, facts.scheduling.policy);
}

Answer<> proc_pid_statm(TextWriter& out, int pid, Caller& caller) {
  const Facts facts = TRY(facts_of(pid, caller));
  const processor::SpaceUsage usage = facts.usage();
  return out.add("{} {} 0 0 0 {} 0\n", usage.mapped, usage.resident, usage.mapped);
}

Answer<> proc_pid_comm(TextWriter& out, int pid, Caller& caller) {
  const Facts facts = TRY(facts_of(pid, caller));
  return out.add("{}\n", std::string_view(facts.name.data()));
}

namespace {
// The caller's own process, by its pid or that of a thread; EACCES for another.
Answer<Process*> own_process(int pid, Caller& caller) {
  Process& own = static_cast<Thread&>(caller).process();
  const base::SpinGuard guard(tasks_lock);
  const PidEntry* entry = own.vnode().pids.find(pid);
  const bool is_own =
      entry != nullptr && (entry->process == &own || (entry->thread != nullptr && &entry->thread->process() == &own));
  if (!is_own) return error(EACCES);
  return &own;
}
}  // namespace

// As prctl(PR_SET_NAME), of any thread of the caller's process.
Answer<> store_comm(std::string_view written, int pid, Caller& caller) {
  std::array<char, 16> name{};
  std::memcpy(name.data(), written.data(), std::min(written.size(), name.size() - 1));
  Process* process = TRY(own_process(pid, caller));
  const base::SpinGuard guard(tasks_lock);
  process->for_each_thread([&](processor::Thread& each) {
    auto& thread = static_cast<Thread&>(each);
    if (thread.tid() != pid) return;
    thread.kernel_thread().set_name(name.data());
    if (thread.is_leader) process->name = name;
  });
  return {};
}

// Where a thread sleeps is not told, as Linux does not tell those who may not look into it.
Answer<> proc_pid_wchan(TextWriter& out, int pid, Caller& caller) {
  TRY(facts_of(pid, caller));
  return out.add_text("0");
}

// No hierarchy of control groups is mounted, so it is in none.
Answer<> proc_pid_cgroup(TextWriter&, int pid, Caller& caller) {
  TRY(facts_of(pid, caller));
  return {};
}

// Nobody is chosen by a score: the managers end a program whose memory runs out.
Answer<> proc_pid_oom_score(TextWriter& out, int pid, Caller& caller) {
  TRY(facts_of(pid, caller));
  return out.add_text("0\n");
}

}  // namespace linux_abi

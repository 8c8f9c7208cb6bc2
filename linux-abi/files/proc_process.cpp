// SPDX-License-Identifier: Apache-2.0
// The texts of /proc about processes: see proc_texts.h. What needs a process's memory or files is told to the process
// itself only: another one may end while it is looked at.
#include <algorithm>
#include <cstring>

#include "linux-abi/abi/structures.h"
#include "linux-abi/files/descriptor_node.h"
#include "linux-abi/files/file_context.h"
#include "linux-abi/files/proc_texts.h"
#include "linux-abi/files/tree.h"
#include "linux-abi/process/thread.h"
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
  bool kernel_sleeps = false;
};

Answer<Facts> facts_of(int pid, Caller& caller) {
  Facts facts;
  const base::SpinGuard guard(tasks_lock);
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
  bool leader_runs = false, leader_left = true;
  process->for_each_thread([&](processor::Thread& each) {
    auto& thread = static_cast<Thread&>(each);
    const Credentials& user = thread.user;
    facts.capabilities = user.capabilities;
    facts.uid = user.uid, facts.effective_uid = user.effective_uid, facts.saved_uid = user.saved_uid;
    facts.gid = user.gid, facts.effective_gid = user.effective_gid, facts.saved_gid = user.saved_gid;
    facts.pending = thread.pending.set().bits();
    facts.blocked = thread.blocked.bits();
    if (thread.tid() != facts.pid) return;
    leader_left = false;
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
                : process->state == ProcessState::Stopped             ? 'T'
                : leader_runs                                         ? 'R'
                                                                      : 'S';
  return facts;
}

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

std::string_view state_name(char state) {
  switch (state) {
    case 'R':
      return "R (running)";
    case 'T':
      return "T (stopped)";
    case 'Z':
      return "Z (zombie)";
    default:
      return "S (sleeping)";
  }
}

Answer<> add_padded_hex(TextWriter& out, std::uint64_t value, unsigned digits) {
  std::array<char, 16> text;
  for (unsigned i = 0; i < digits; ++i) text[digits - 1 - i] = "0123456789abcdef"[value >> (4 * i) & 15];
  return out.add_text({text.data(), digits});
}

Answer<> add_set(TextWriter& out, std::string_view name, std::uint64_t set) {
  TRY(out.add("{}:\t", name));
  TRY(add_padded_hex(out, set, 16));
  return out.add_text("\n");
}

unsigned hex_digits(std::uint64_t value) {
  unsigned digits = 8;
  while (digits < 16 && value >> (4 * digits) != 0) ++digits;
  return digits;
}

// The name behind a mapping: of a file that the process has; [heap] and [stack].
Answer<> add_mapping_name(TextWriter& out, const vma::Vma& area, Process& process, Caller& caller,
                          const base::UserVa break_start) {
  if (area.grows_down()) return out.add_text("[stack]");
  if (processor::shows_system_pages(area)) return out.add_text(area.object_offset == 0 ? "[vvar]" : "[vdso]");
  if (!area.object && break_start.value() != 0 && area.range.start >= break_start &&
      area.range.start.value() < break_start.value() + (std::uint64_t{1} << 40) && area.range.start == break_start)
    return out.add_text("[heap]");
  if (!area.object || !process.program) return {};
  const auto object = process.program->mappable(caller);
  if (!object || processor::object_id(**object) != area.object) return {};
  std::array<char, 512> name;
  return out.add_text({name.data(), process.program->describe(name, caller)});
}

}  // namespace

Answer<> proc_pid_maps(TextWriter& out, int pid, Caller& caller) {
  Process* process = TRY(own_process(pid, caller));
  std::array<vma::Vma, 8> areas;
  const base::UserVa break_start = processor::break_start(process->space());
  for (base::UserVa at(0);;) {
    const std::size_t count = processor::list_vmas(process->space(), at, areas);
    if (count == 0) return {};
    for (std::size_t i = 0; i < count; ++i) {
      const vma::Vma& area = areas[i];
      const std::uint64_t start = area.range.start.value(), end = area.range.end.value();
      const std::size_t line_start = out.bytes().size();
      const bool of_system = processor::shows_system_pages(area), of_file = area.object && !of_system;
      TRY(add_padded_hex(out, start, hex_digits(start)));
      TRY(out.add_text("-"));
      TRY(add_padded_hex(out, end, hex_digits(end)));
      const auto bit = [&](vma::Protection protection, char letter) {
        return vma::has(area.protection, protection) ? letter : '-';
      };
      TRY(out.add(" {}{}{}{} ", bit(vma::Protection::Read, 'r'), bit(vma::Protection::Write, 'w'),
                  bit(vma::Protection::Execute, 'x'), area.shared() && !of_system ? 's' : 'p'));
      TRY(add_padded_hex(out, of_system ? 0 : area.object_offset, 8));
      TRY(of_file ? out.add(" 08:00 {} ", area.object.value() & 0xffffffff) : out.add_text(" 00:00 0 "));
      while (out.bytes().size() - line_start < 73) TRY(out.add_text(" "));
      TRY(add_mapping_name(out, area, *process, caller, break_start));
      TRY(out.add_text("\n"));
      at = area.range.end;
    }
  }
}

Answer<> proc_pid_status(TextWriter& out, int pid, Caller& caller) {
  const Facts facts = TRY(facts_of(pid, caller));
  const processor::SpaceUsage usage = facts.usage();
  TRY(out.add("Name:\t{}\nUmask:\t0022\nState:\t{}\nTgid:\t{}\nNgid:\t0\nPid:\t{}\nPPid:\t{}\nTracerPid:\t0\n",
              std::string_view(facts.name.data()), state_name(facts.state), facts.process, facts.pid, facts.parent));
  TRY(out.add("Uid:\t{}\t{}\t{}\t{}\n", facts.uid, facts.effective_uid, facts.saved_uid, facts.effective_uid));
  TRY(out.add("Gid:\t{}\t{}\t{}\t{}\n", facts.gid, facts.effective_gid, facts.saved_gid, facts.effective_gid));
  TRY(out.add(
      "FDSize:\t{}\nGroups:\t\nVmPeak:\t{} kB\nVmSize:\t{} kB\nVmLck:\t{} kB\nVmHWM:\t{} kB\nVmRSS:\t{} kB\nVmSwap:\t0 "
      "kB\nThreads:\t{}\n",
      facts.descriptors, usage.mapped * 4, usage.mapped * 4, facts.locked_bytes / 1024, usage.most_resident * 4,
      usage.resident * 4, facts.threads));
  TRY(add_set(out, "SigPnd", facts.pending));
  TRY(add_set(out, "ShdPnd", facts.process_pending));
  TRY(add_set(out, "SigBlk", facts.blocked));
  TRY(add_set(out, "SigIgn", facts.ignored));
  TRY(add_set(out, "SigCgt", facts.caught));
  TRY(add_set(out, "CapInh", facts.capabilities.inheritable));
  TRY(add_set(out, "CapPrm", facts.capabilities.permitted));
  TRY(add_set(out, "CapEff", facts.capabilities.effective));
  TRY(add_set(out, "CapBnd", facts.capabilities.bounding));
  return add_set(out, "CapAmb", facts.capabilities.ambient);
}

Answer<> proc_pid_stat(TextWriter& out, int pid, Caller& caller) {
  const Facts facts = TRY(facts_of(pid, caller));
  constexpr std::uint64_t tick = ns_per_second / 100;
  const processor::SpaceUsage usage = facts.usage();
  TRY(out.add("{} ({}) {} {} {} {} 0 -1 4194304 0 0 0 0 ", facts.pid, std::string_view(facts.name.data()), facts.state,
              facts.parent, facts.group, facts.session));
  TRY(out.add("{} {} {} {} {} {} {} 0 {} {} {} 18446744073709551615 0 0 0 0 0 ", facts.times.user_ns / tick,
              facts.times.system_ns / tick, facts.children_times.user_ns / tick, facts.children_times.system_ns / tick,
              facts.scheduling.is_realtime() ? -1 - facts.scheduling.priority : 20 + facts.scheduling.nice,
              facts.scheduling.nice, facts.threads, facts.start_ns / tick, usage.mapped * 4096, usage.resident));
  return out.add("{} {} {} {} 0 0 0 17 {} {} {} 0 0 0 0 0 0 0 0 0 0 0\n", facts.pending, facts.blocked, facts.ignored,
                 facts.caught, facts.core, facts.scheduling.priority, facts.scheduling.policy);
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

// Nobody is chosen by a score: the managers end a program whose memory runs out.
Answer<> proc_pid_oom_score(TextWriter& out, int pid, Caller& caller) {
  TRY(facts_of(pid, caller));
  return out.add_text("0\n");
}

namespace {
Answer<> add_user_bytes(TextWriter& out, std::uint64_t start, std::uint64_t end, Caller& caller) {
  while (start < end) {
    std::array<char, 256> piece;
    const std::size_t bytes = std::min<std::uint64_t>(piece.size(), end - start);
    TRY(caller.copy_in(std::as_writable_bytes(std::span(piece)).first(bytes), start));
    TRY(out.add_text({piece.data(), bytes}));
    start += bytes;
  }
  return {};
}
}  // namespace

Answer<> proc_pid_cmdline(TextWriter& out, int pid, Caller& caller) {
  if (const auto process = own_process(pid, caller))
    return add_user_bytes(out, (*process)->arguments_start, (*process)->arguments_end, caller);
  // Of others the name is known.
  const Facts facts = TRY(facts_of(pid, caller));
  if (facts.state == 'Z') return {};
  TRY(out.add_text(std::string_view(facts.name.data())));
  return out.add_text(std::string_view("\0", 1));
}

Answer<> proc_pid_environ(TextWriter& out, int pid, Caller& caller) {
  Process* process = TRY(own_process(pid, caller));
  return add_user_bytes(out, process->arguments_end, process->environment_end, caller);
}

Answer<> proc_pid_limits(TextWriter& out, int pid, Caller& caller) {
  Process* process = TRY(own_process(pid, caller));
  struct Row {
    std::string_view name, unit;
    Resource resource;
  };
  constexpr Row rows[] = {{"Max cpu time              ", "seconds", Resource::Cpu},
                          {"Max file size             ", "bytes", Resource::FileSize},
                          {"Max data size             ", "bytes", Resource::Data},
                          {"Max stack size            ", "bytes", Resource::Stack},
                          {"Max core file size        ", "bytes", Resource::Core},
                          {"Max processes             ", "processes", Resource::Processes},
                          {"Max open files            ", "files", Resource::Files},
                          {"Max address space         ", "bytes", Resource::AddressSpace}};
  TRY(out.add_text("Limit                     Soft Limit           Hard Limit           Units     \n"));
  Limits limits;
  {
    const base::SpinGuard guard(tasks_lock);
    limits = process->limits;
  }
  const auto add_value = [&](std::uint64_t value) -> Answer<> {
    const std::size_t start = out.bytes().size();
    TRY(value == unlimited ? out.add_text("unlimited") : out.add("{}", value));
    while (out.bytes().size() - start < 21) TRY(out.add_text(" "));
    return {};
  };
  for (const Row& row : rows) {
    TRY(out.add_text(row.name));
    TRY(add_value(limits.of(row.resource).soft));
    TRY(add_value(limits.of(row.resource).hard));
    TRY(out.add("{}\n", row.unit));
  }
  return {};
}

namespace {
Answer<> add_place(TextWriter& out, const PlaceReference& place, Caller& caller) {
  const PlaceReference root = caller.file_context().root();
  const auto path = TRY(place->path(*root, true));
  return out.add_text({path.data(), path.size()});
}
}  // namespace

Answer<> proc_pid_exe(TextWriter& out, int pid, Caller& caller) {
  const PlaceReference place = TRY(lead_to_exe(pid, 0, caller));
  return add_place(out, place, caller);
}
Answer<> proc_pid_cwd(TextWriter& out, int pid, Caller& caller) {
  const PlaceReference place = TRY(lead_to_cwd(pid, 0, caller));
  return add_place(out, place, caller);
}
Answer<> proc_pid_root(TextWriter& out, int pid, Caller& caller) {
  const PlaceReference place = TRY(lead_to_root(pid, 0, caller));
  return add_place(out, place, caller);
}
Answer<> proc_descriptor_target(TextWriter& out, int descriptor, Caller& caller) {
  const OpenFileReference file = TRY(caller.descriptors().get(descriptor));
  std::array<char, 512> text;
  return out.add_text({text.data(), file->describe(text, caller)});
}

Answer<PlaceReference> lead_to_exe(int pid, int, Caller& caller) {
  Process* process = TRY(own_process(pid, caller));
  if (!process->program || process->program->place() == nullptr) return error(ENOENT);
  return PlaceReference(*process->program->place());
}
Answer<PlaceReference> lead_to_cwd(int pid, int, Caller& caller) {
  TRY(own_process(pid, caller));
  return caller.file_context().working_directory();
}
Answer<PlaceReference> lead_to_root(int pid, int, Caller& caller) {
  TRY(own_process(pid, caller));
  return caller.file_context().root();
}
Answer<PlaceReference> lead_to_descriptor(int, int descriptor, Caller& caller) {
  const OpenFileReference file = TRY(caller.descriptors().get(descriptor));
  if (file->place() == nullptr) return place_of_descriptor(file, caller);
  return PlaceReference(*file->place());
}

}  // namespace linux_abi

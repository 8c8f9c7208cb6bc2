// SPDX-License-Identifier: Apache-2.0
// /proc: what programs of this vNode ask about the machine and about processes. Every text is made from real state when
// it is opened.
#include <algorithm>
#include <cstring>

#include "kernel/base/format.h"
#include "linux-abi/files/fixed_tree.h"
#include "linux-abi/files/proc_texts.h"
#include "linux-abi/files/synthetic.h"
#include "linux-abi/process/inspection.h"

namespace linux_abi {
namespace {

struct Text {
  std::string_view name;
  WriteText write;
  StoreText store = nullptr;
  std::uint32_t permissions = 0444;
};
constexpr Text machine_texts[] = {{"meminfo", proc_meminfo}, {"cpuinfo", proc_cpuinfo},
                                  {"stat", proc_stat},       {"vmstat", proc_vmstat},
                                  {"uptime", proc_uptime},   {"loadavg", proc_loadavg},
                                  {"version", proc_version}, {"filesystems", proc_filesystems},
                                  {"cgroups", proc_cgroups}, {"partitions", proc_partitions},
                                  {"locks", proc_locks},     {"lego_requests", proc_lego_requests}};
constexpr Text process_texts[] = {{"smaps_rollup", proc_pid_smaps_rollup},
                                  {"status", proc_pid_status},
                                  {"stat", proc_pid_stat},
                                  {"statm", proc_pid_statm},
                                  {"cmdline", proc_pid_cmdline},
                                  {"comm", proc_pid_comm, store_comm},
                                  {"environ", proc_pid_environ, nullptr, 0400},
                                  {"limits", proc_pid_limits},
                                  {"auxv", proc_pid_auxv, nullptr, 0400},
                                  {"wchan", proc_pid_wchan},
                                  {"oom_score", proc_pid_oom_score},
                                  {"cgroup", proc_pid_cgroup},
                                  {"oom_score_adj", proc_pid_oom_adjustment, store_oom_adjustment},
                                  {"personality", proc_pid_personality, nullptr, 0400},
                                  {"io", proc_pid_io, nullptr, 0400},
                                  {"coredump_filter", proc_pid_core_filter, store_core_filter}};
struct Link {
  std::string_view name;
  WriteText target;
  LeadTo lead;
};
constexpr Link process_links[] = {
    {"exe", proc_pid_exe, lead_to_exe}, {"cwd", proc_pid_cwd, lead_to_cwd}, {"root", proc_pid_root, lead_to_root}};

bool put_number(ListedEntry& entry, int number, std::uint8_t type, std::uint64_t cookie) {
  std::array<char, 16> digits;
  return entry.set(base::format(digits, "{}", number), type, cookie);
}

Pids& pids_of(Caller& caller) { return static_cast<Thread&>(caller).process().vnode().pids; }

bool exists(int pid, Caller& caller) {
  if (pid == kernel_pid) return true;
  const base::SpinGuard guard(tasks_lock);
  const PidEntry* entry = pids_of(caller).find(pid);
  return entry != nullptr && (entry->process != nullptr || entry->thread != nullptr);
}

// /proc/PID/fd and fdinfo.
Answer<NodeReference> find_descriptor(std::string_view name, int pid, Caller& caller) {
  const int descriptor = number_of_name(name);
  if (descriptor < 0) return error(ENOENT);
  const OpenFileReference file = TRY(descriptor_of(pid, descriptor, caller));
  const std::uint32_t permissions = (file->readable() ? 0500U : 0U) | (file->writable() ? 0300U : 0U);
  return owned(make_numbered_link(proc_descriptor_target, lead_to_descriptor, pid, descriptor, permissions),
               owner_of_process);
}
Answer<NodeReference> find_descriptor_text(std::string_view name, int pid, Caller& caller) {
  const int descriptor = number_of_name(name);
  if (descriptor < 0) return error(ENOENT);
  TRY(descriptor_of(pid, descriptor, caller));
  return owned(make_numbered_text(proc_descriptor_text, pid, descriptor, 0444), owner_of_process);
}
template <std::uint8_t type>
bool list_descriptors(std::uint64_t cookie, int pid, Caller& caller, ListedEntry& entry) {
  const int descriptor = next_descriptor_of(pid, static_cast<int>(cookie), caller);
  if (descriptor < 0) return false;
  return put_number(entry, descriptor, type, static_cast<std::uint64_t>(descriptor) + 1);
}
constexpr DirectorySource descriptors{find_descriptor, list_descriptors<entry_type::link>, false};
constexpr DirectorySource descriptor_texts{find_descriptor_text, list_descriptors<entry_type::regular>, false};

// /proc/PID and /proc/PID/task/TID; the latter has no list of threads again.
struct Folder {
  std::string_view name;
  const DirectorySource* source;
  std::uint32_t permissions;
};
constexpr Folder process_folders[] = {{"fd", &descriptors, 0500}, {"fdinfo", &descriptor_texts, 0555}};

// Files that are opened in a way of their own.
struct OwnFile {
  std::string_view name;
  OpenOwn open;
  std::uint32_t permissions;
};
constexpr OwnFile process_files[] = {{"mem", open_process_memory, 0600},
                                     {"maps", open_mappings, 0444},
                                     {"smaps", open_mapping_sizes, 0444},
                                     {"mounts", open_mounts, 0444},
                                     {"mountinfo", open_mount_information, 0444}};

Answer<NodeReference> make_of_thread(std::string_view name, int pid) {
  for (const Text& text : process_texts)
    if (text.name == name)
      return make_text(text.write, pid, text.store != nullptr ? 0644 : text.permissions, text.store);
  for (const Link& link : process_links)
    if (link.name == name) return make_link(link.target, link.lead, pid);
  for (const Folder& folder : process_folders)
    if (folder.name == name) return make_directory(*folder.source, pid, folder.permissions);
  if (name == "net") return make_proc_net();
  if (name == "ns") return make_namespaces(pid);
  for (const OwnFile& file : process_files)
    if (file.name == name) return make_own_file(file.open, pid, file.permissions);
  return error(ENOENT);
}

Answer<NodeReference> find_of_thread(std::string_view name, int pid, Caller& caller) {
  if (!exists(pid, caller)) return error(ENOENT);
  return owned(make_of_thread(name, pid), owner_of_process);
}

bool list_of_thread(std::uint64_t cookie, int, Caller&, ListedEntry& entry) {
  constexpr std::size_t texts = std::size(process_texts), links = texts + std::size(process_links);
  constexpr std::size_t folders = links + std::size(process_folders);
  if (cookie < texts) return entry.set(process_texts[cookie].name, entry_type::regular, cookie + 1);
  if (cookie < links) return entry.set(process_links[cookie - texts].name, entry_type::link, cookie + 1);
  if (cookie < folders) return entry.set(process_folders[cookie - links].name, entry_type::directory, cookie + 1);
  if (cookie == folders) return entry.set("net", entry_type::directory, cookie + 1);
  if (cookie == folders + 1) return entry.set("ns", entry_type::directory, cookie + 1);
  const std::size_t file = cookie - folders - 2;
  return file < std::size(process_files) && entry.set(process_files[file].name, entry_type::regular, cookie + 1);
}
constexpr std::size_t entries_of_thread =
    std::size(process_texts) + std::size(process_links) + std::size(process_folders) + 2 + std::size(process_files);
constexpr DirectorySource of_thread{find_of_thread, list_of_thread, false};

// /proc/PID/task. The first thread of the process at or after `tid`; 0: there is none.
int next_thread(int pid, int tid, Caller& caller) {
  if (pid == kernel_pid) return tid <= kernel_pid ? kernel_pid : 0;
  const base::SpinGuard guard(tasks_lock);
  PidEntry* process = pids_of(caller).find(pid);
  if (process == nullptr || process->process == nullptr) return 0;
  for (PidEntry* entry = pids_of(caller).next(tid); entry != nullptr; entry = pids_of(caller).next(entry->pid + 1))
    // A leader that left before the others is still there, as a zombie.
    if (entry == process || (entry->thread != nullptr && &entry->thread->process() == process->process))
      return entry->pid;
  return 0;
}
Answer<NodeReference> find_thread(std::string_view name, int pid, Caller& caller) {
  const int tid = number_of_name(name);
  if (tid <= 0 || next_thread(pid, tid, caller) != tid) return error(ENOENT);
  return owned(make_directory(of_thread, tid), owner_of_process);
}
bool list_threads(std::uint64_t cookie, int pid, Caller& caller, ListedEntry& entry) {
  const int tid = next_thread(pid, static_cast<int>(cookie) + 1, caller);
  return tid != 0 && put_number(entry, tid, entry_type::directory, static_cast<std::uint64_t>(tid));
}
constexpr DirectorySource threads_of_process{find_thread, list_threads, false};

Answer<NodeReference> find_of_process(std::string_view name, int pid, Caller& caller) {
  if (name == "task" && exists(pid, caller)) return owned(make_directory(threads_of_process, pid), owner_of_process);
  return find_of_thread(name, pid, caller);
}
bool list_of_process(std::uint64_t cookie, int pid, Caller& caller, ListedEntry& entry) {
  if (cookie < entries_of_thread) return list_of_thread(cookie, pid, caller, entry);
  return cookie == entries_of_thread && entry.set("task", entry_type::directory, cookie + 1);
}
constexpr DirectorySource of_process{find_of_process, list_of_process, false, true};

// /proc/sys; enough for what C libraries, servers and test suites look at.
constexpr FixedText settings[] = {
    {"fs/pipe-max-size", proc_sys_pipe_max, store_pipe_max},
    {"fs/pipe-user-pages-soft", proc_sys_pipe_pages},
    {"fs/pipe-user-pages-hard", proc_sys_zero},  // 0: no limit
    {"fs/lease-break-time", proc_sys_lease_time, store_lease_time},
    {"fs/inotify/max_queued_events", proc_sys_inotify_queued, store_inotify_queued},
    {"fs/inotify/max_user_instances", proc_sys_inotify_instances, store_inotify_instances},
    {"fs/inotify/max_user_watches", proc_sys_inotify_watches, store_inotify_watches},
    {"fs/mqueue/queues_max", proc_sys_posix_queues, store_posix_queues},
    {"fs/mqueue/msg_max", proc_sys_posix_messages, store_posix_messages},
    {"fs/mqueue/msgsize_max", proc_sys_posix_bytes, store_posix_bytes},
    {"fs/mqueue/msg_default", proc_sys_posix_default_messages},
    {"fs/mqueue/msgsize_default", proc_sys_posix_default_bytes},
    {"fs/nr_open", proc_sys_descriptors, store_descriptors},
    {"kernel/ns_last_pid", proc_sys_last_pid, store_last_pid},
    {"kernel/printk", proc_sys_log_levels, store_log_levels},
    {"kernel/randomize_va_space", proc_sys_randomizing, store_randomizing},
    {"kernel/pid_max", proc_sys_pid_max},
    {"kernel/tainted", proc_sys_zero},
    {"kernel/ostype", proc_sys_ostype},
    {"kernel/osrelease", proc_sys_osrelease},
    {"kernel/hostname", proc_sys_hostname, store_hostname},
    {"kernel/ngroups_max", proc_sys_groups_max},
    {"kernel/cap_last_cap", proc_sys_last_capability},
    {"kernel/shmmax", proc_sys_segment_bytes, store_segment_bytes},
    {"kernel/shmall", proc_sys_all_segment_bytes},
    {"kernel/shmmni", proc_sys_segments, store_segments},
    {"kernel/shm_next_id", proc_sys_next_segment, store_next_segment},
    {"kernel/msg_next_id", proc_sys_next_queue, store_next_queue},
    {"kernel/sem_next_id", proc_sys_next_set, store_next_set},
    {"kernel/version", proc_sys_version},
    {"kernel/domainname", proc_sys_domain_name, store_domain_name},
    {"kernel/msgmax", proc_sys_message_bytes},
    {"kernel/msgmnb", proc_sys_queue_bytes},
    {"kernel/msgmni", proc_sys_queues, store_queues},
    {"kernel/sem", proc_sys_semaphores},
    {"kernel/core_pattern", proc_sys_core_pattern, store_core_pattern},
    {"kernel/core_uses_pid", proc_sys_core_uses_pid, store_core_uses_pid},
    {"kernel/sched_autogroup_enabled", proc_sys_zero},
    {"kernel/sched_rr_timeslice_ms", proc_sys_slice},
    {"kernel/random/boot_id", proc_sys_boot_id},
    {"kernel/random/entropy_avail", proc_sys_entropy},
    {"kernel/random/poolsize", proc_sys_entropy},
    {"kernel/threads-max", proc_sys_pid_max},
    {"kernel/random/uuid", proc_sys_random_id},
    {"net/core/somaxconn", proc_sys_backlog_max},
    {"net/ipv4/tcp_congestion_control", proc_sys_congestion},
    {"net/ipv4/tcp_available_congestion_control", proc_sys_congestions},
    {"net/ipv4/tcp_allowed_congestion_control", proc_sys_congestions},
    {"vm/max_map_count", proc_sys_mappings, store_mappings},
    {"vm/overcommit_memory", proc_sys_zero},
};

constexpr FixedText ipc_texts[] = {
    {"msg", proc_ipc_messages}, {"sem", proc_ipc_semaphores}, {"shm", proc_ipc_segments}};

// /proc
Answer<> write_self(TextWriter& out, int, Caller& caller) {
  return out.add("{}", static_cast<Thread&>(caller).process().pid());
}
Answer<> write_thread_self(TextWriter& out, int, Caller& caller) {
  return out.add("{}", static_cast<Thread&>(caller).tid());
}
Answer<> write_self_mounts(TextWriter& out, int, Caller&) { return out.add_text("self/mounts"); }
Answer<> write_self_net(TextWriter& out, int, Caller&) { return out.add_text("self/net"); }

Answer<NodeReference> find(std::string_view name, int, Caller& caller) {
  if (name == "self") return make_link(write_self, nullptr, 0);
  if (name == "thread-self") return make_link(write_thread_self, nullptr, 0);
  if (name == "mounts") return make_link(write_self_mounts, nullptr, 0);
  if (name == "net") return make_link(write_self_net, nullptr, 0);
  if (name == "sys") return make_directory(FixedTree<settings>::source, 0);
  if (name == "sysvipc") return make_directory(FixedTree<ipc_texts>::source, 0);
  for (const Text& text : machine_texts)
    if (text.name == name) return make_text(text.write, 0);
  const int pid = number_of_name(name);
  if (pid > 0 && exists(pid, caller)) return owned(make_directory(of_process, pid), owner_of_process);
  return error(ENOENT);
}

bool list(std::uint64_t cookie, int, Caller& caller, ListedEntry& entry) {
  constexpr std::size_t texts = std::size(machine_texts), fixed = texts + 6;
  if (cookie < texts) return entry.set(machine_texts[cookie].name, entry_type::regular, cookie + 1);
  if (cookie == texts) return entry.set("self", entry_type::link, cookie + 1);
  if (cookie == texts + 1) return entry.set("sys", entry_type::directory, cookie + 1);
  if (cookie == texts + 2) return entry.set("sysvipc", entry_type::directory, cookie + 1);
  if (cookie == texts + 3) return entry.set("net", entry_type::link, cookie + 1);
  if (cookie == texts + 4) return entry.set("thread-self", entry_type::link, cookie + 1);
  if (cookie == texts + 5) return entry.set("mounts", entry_type::link, cookie + 1);
  int pid = kernel_pid;
  if (cookie > fixed) {
    const base::SpinGuard guard(tasks_lock);
    PidEntry* found = pids_of(caller).next(static_cast<int>(cookie - fixed) + 1);
    while (found != nullptr && found->process == nullptr) found = pids_of(caller).next(found->pid + 1);
    if (found == nullptr) return false;
    pid = found->pid;
  }
  return put_number(entry, pid, entry_type::directory, fixed + static_cast<std::uint64_t>(pid));
}
constexpr DirectorySource root{find, list, false};

}  // namespace

Answer<NodeReference> make_proc() { return make_directory(root, 0); }

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// The texts of /proc, in the formats of proc(5).
#pragma once

#include "linux-abi/files/synthetic.h"

namespace linux_abi {

// Of the machine; subject does not count. proc_machine.cpp
Answer<> proc_meminfo(TextWriter& out, int subject, Caller& caller);
Answer<> proc_mounts(TextWriter& out, int subject, Caller& caller);
Answer<> proc_cgroups(TextWriter& out, int subject, Caller& caller);
Answer<> proc_partitions(TextWriter& out, int subject, Caller& caller);
Answer<> proc_stat(TextWriter& out, int subject, Caller& caller);
Answer<> proc_vmstat(TextWriter& out, int subject, Caller& caller);
Answer<> proc_uptime(TextWriter& out, int subject, Caller& caller);
Answer<> proc_loadavg(TextWriter& out, int subject, Caller& caller);
Answer<> proc_lego_requests(TextWriter& out, int subject, Caller& caller);
Answer<> proc_version(TextWriter& out, int subject, Caller& caller);
Answer<> proc_filesystems(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_pid_max(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_zero(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_ostype(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_osrelease(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_hostname(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_domain_name(TextWriter& out, int subject, Caller& caller);
Answer<> store_hostname(std::string_view text, int subject, Caller& caller);
Answer<> store_domain_name(std::string_view text, int subject, Caller& caller);
Answer<> proc_sys_version(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_groups_max(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_last_capability(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_boot_id(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_random_id(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_pipe_max(TextWriter& out, int subject, Caller& caller);
Answer<> store_pipe_max(std::string_view text, int subject, Caller& caller);
Answer<> proc_sys_pipe_pages(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_inotify_queued(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_inotify_instances(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_inotify_watches(TextWriter& out, int subject, Caller& caller);
Answer<> store_inotify_queued(std::string_view text, int subject, Caller& caller);
Answer<> store_inotify_instances(std::string_view text, int subject, Caller& caller);
Answer<> store_inotify_watches(std::string_view text, int subject, Caller& caller);
Answer<> proc_sys_slice(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_lease_time(TextWriter& out, int subject, Caller& caller);
Answer<> store_lease_time(std::string_view text, int subject, Caller& caller);
Answer<> proc_sys_backlog_max(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_congestion(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_congestions(TextWriter& out, int subject, Caller& caller);

// Of its cores. proc_cpuinfo.cpp
Answer<> proc_cpuinfo(TextWriter& out, int subject, Caller& caller);

// proc_ipc.cpp
Answer<> proc_ipc_messages(TextWriter& out, int subject, Caller& caller);
Answer<> proc_ipc_semaphores(TextWriter& out, int subject, Caller& caller);
Answer<> proc_ipc_segments(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_segment_bytes(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_all_segment_bytes(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_next_segment(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_next_queue(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_next_set(TextWriter& out, int subject, Caller& caller);
Answer<> store_segment_bytes(std::string_view text, int subject, Caller& caller);
Answer<> store_segments(std::string_view text, int subject, Caller& caller);
Answer<> store_queues(std::string_view text, int subject, Caller& caller);
Answer<> store_next_segment(std::string_view text, int subject, Caller& caller);
Answer<> store_next_queue(std::string_view text, int subject, Caller& caller);
Answer<> store_next_set(std::string_view text, int subject, Caller& caller);
Answer<> proc_sys_segments(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_message_bytes(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_queue_bytes(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_queues(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_posix_queues(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_posix_messages(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_posix_bytes(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_posix_default_messages(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_posix_default_bytes(TextWriter& out, int subject, Caller& caller);
Answer<> store_posix_queues(std::string_view text, int subject, Caller& caller);
Answer<> store_posix_messages(std::string_view text, int subject, Caller& caller);
Answer<> store_posix_bytes(std::string_view text, int subject, Caller& caller);
Answer<> proc_sys_semaphores(TextWriter& out, int subject, Caller& caller);

// What core files are called, and what is in them. proc_core.cpp
Answer<> proc_sys_core_pattern(TextWriter& out, int subject, Caller& caller);
Answer<> proc_sys_core_uses_pid(TextWriter& out, int subject, Caller& caller);
Answer<> proc_pid_core_filter(TextWriter& out, int pid, Caller& caller);
Answer<> store_core_pattern(std::string_view written, int subject, Caller& caller);
Answer<> store_core_uses_pid(std::string_view written, int subject, Caller& caller);
Answer<> store_core_filter(std::string_view written, int pid, Caller& caller);

// Of the process or thread `pid`. ESRCH: it ended; EACCES: it is not to be looked into by everybody.
// proc_mappings.cpp
Answer<> proc_pid_maps(TextWriter& out, int pid, Caller& caller);
Answer<> proc_pid_smaps(TextWriter& out, int pid, Caller& caller);
Answer<> proc_pid_smaps_rollup(TextWriter& out, int pid, Caller& caller);
// proc_process.cpp
Answer<> proc_pid_status(TextWriter& out, int pid, Caller& caller);
Answer<> proc_pid_stat(TextWriter& out, int pid, Caller& caller);
Answer<> proc_pid_statm(TextWriter& out, int pid, Caller& caller);
Answer<> proc_pid_cmdline(TextWriter& out, int pid, Caller& caller);
Answer<> proc_pid_comm(TextWriter& out, int pid, Caller& caller);
Answer<> store_comm(std::string_view written, int pid, Caller& caller);
Answer<> proc_pid_wchan(TextWriter& out, int pid, Caller& caller);
Answer<> proc_pid_oom_score(TextWriter& out, int pid, Caller& caller);
Answer<> proc_pid_cgroup(TextWriter& out, int pid, Caller& caller);
Answer<> proc_pid_mountinfo(TextWriter& out, int pid, Caller& caller);
// proc_inspected.cpp
Answer<> proc_pid_environ(TextWriter& out, int pid, Caller& caller);
Answer<> proc_pid_auxv(TextWriter& out, int pid, Caller& caller);
Answer<> proc_pid_io(TextWriter& out, int pid, Caller& caller);
Answer<> proc_pid_oom_adjustment(TextWriter& out, int pid, Caller& caller);
Answer<> store_oom_adjustment(std::string_view written, int pid, Caller& caller);
Answer<> proc_pid_limits(TextWriter& out, int pid, Caller& caller);
Answer<> proc_pid_exe(TextWriter& out, int pid, Caller& caller);
Answer<> proc_pid_cwd(TextWriter& out, int pid, Caller& caller);
Answer<> proc_pid_root(TextWriter& out, int pid, Caller& caller);
Answer<PlaceReference> lead_to_exe(int pid, int number, Caller& caller);
Answer<PlaceReference> lead_to_cwd(int pid, int number, Caller& caller);
Answer<PlaceReference> lead_to_root(int pid, int number, Caller& caller);
NodeOwner owner_of_process(int pid, Caller& caller);
// Its memory as a file (proc(5)).
Answer<OpenFileReference> open_process_memory(int flags, PlaceReference place, int pid, Caller& caller);

// Its descriptors. proc_descriptors.cpp
Answer<> proc_descriptor_target(TextWriter& out, int pid, int descriptor, Caller& caller);
Answer<> proc_descriptor_text(TextWriter& out, int pid, int descriptor, Caller& caller);
Answer<PlaceReference> lead_to_descriptor(int pid, int descriptor, Caller& caller);
Answer<OpenFileReference> descriptor_of(int pid, int descriptor, Caller& caller);  // ENOENT
int next_descriptor_of(int pid, int first, Caller& caller);                        // -1 at the end

// All record locks and flocks. proc_descriptors.cpp
Answer<> proc_locks(TextWriter& out, int subject, Caller& caller);

// /proc/net. proc_net.cpp
Answer<NodeReference> make_proc_net();

// What others may see of it; EACCES instead of EPERM. proc_inspected.cpp
struct Inspected;
Answer<Inspected> inspect_for_text(int pid, Caller& caller);

}  // namespace linux_abi

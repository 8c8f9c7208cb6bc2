// SPDX-License-Identifier: Apache-2.0
// The texts of /proc, in the formats of proc(5).
#pragma once

#include "linux-abi/files/synthetic.h"

namespace linux_abi {

// Functions of these types are declared below: see WriteText and StoreText.
using ProcText = Answer<>(TextWriter& out, int subject, Caller& caller);
using ProcStore = Answer<>(std::string_view written, int subject, Caller& caller);

// Of the machine; subject does not count. proc_machine.cpp
ProcText proc_meminfo, proc_cgroups, proc_partitions, proc_stat, proc_vmstat, proc_uptime, proc_loadavg,
    proc_lego_requests, proc_version, proc_filesystems, proc_sys_pid_max, proc_sys_zero, proc_sys_ostype,
    proc_sys_osrelease, proc_sys_hostname, proc_sys_domain_name, proc_sys_version, proc_sys_groups_max,
    proc_sys_last_capability, proc_sys_boot_id, proc_sys_entropy, proc_sys_random_id, proc_sys_pipe_max,
    proc_sys_pipe_pages, proc_sys_inotify_queued, proc_sys_inotify_instances, proc_sys_inotify_watches, proc_sys_slice,
    proc_sys_lease_time, proc_sys_backlog_max, proc_sys_congestion, proc_sys_congestions;
ProcStore store_hostname, store_domain_name, store_pipe_max, store_inotify_queued, store_inotify_instances,
    store_inotify_watches, store_lease_time;

// Numbers that can be set. proc_settings.cpp
ProcText proc_sys_descriptors, proc_sys_log_levels, proc_sys_last_pid, proc_sys_mappings, proc_sys_randomizing;
ProcStore store_descriptors, store_log_levels, store_last_pid, store_mappings, store_randomizing;

// Of its cores. proc_cpuinfo.cpp
ProcText proc_cpuinfo;

// proc_ipc.cpp
ProcText proc_ipc_messages, proc_ipc_semaphores, proc_ipc_segments, proc_sys_segment_bytes, proc_sys_all_segment_bytes,
    proc_sys_next_segment, proc_sys_next_queue, proc_sys_next_set, proc_sys_segments, proc_sys_message_bytes,
    proc_sys_queue_bytes, proc_sys_queues, proc_sys_posix_queues, proc_sys_posix_messages, proc_sys_posix_bytes,
    proc_sys_posix_default_messages, proc_sys_posix_default_bytes, proc_sys_semaphores;
ProcStore store_segment_bytes, store_segments, store_queues, store_next_segment, store_next_queue, store_next_set,
    store_posix_queues, store_posix_messages, store_posix_bytes;

// What core files are called, and what is in them. proc_core.cpp
ProcText proc_sys_core_pattern, proc_sys_core_uses_pid, proc_pid_core_filter;
ProcStore store_core_pattern, store_core_uses_pid, store_core_filter;

// Of the process or thread `pid`. ESRCH: it ended; EACCES: it is not to be looked into by everybody.
// proc_mappings.cpp
ProcText proc_pid_smaps_rollup;
// proc_process.cpp
ProcText proc_pid_status, proc_pid_stat, proc_pid_statm, proc_pid_cmdline, proc_pid_comm, proc_pid_wchan,
    proc_pid_oom_score, proc_pid_cgroup;
ProcStore store_comm;
// proc_inspected.cpp
ProcText proc_pid_environ, proc_pid_auxv, proc_pid_io, proc_pid_personality, proc_pid_oom_adjustment, proc_pid_limits,
    proc_pid_exe, proc_pid_cwd, proc_pid_root;
ProcStore store_oom_adjustment;
Answer<PlaceReference> lead_to_exe(int pid, int number, Caller& caller);
Answer<PlaceReference> lead_to_cwd(int pid, int number, Caller& caller);
Answer<PlaceReference> lead_to_root(int pid, int number, Caller& caller);
NodeOwner owner_of_process(int pid, Caller& caller);
// Its memory as a file (proc(5)).
Answer<OpenFileReference> open_process_memory(int flags, PlaceReference place, int pid, Caller& caller);
// maps and smaps.
Answer<OpenFileReference> open_mappings(int flags, PlaceReference place, int pid, Caller& caller);
Answer<OpenFileReference> open_mapping_sizes(int flags, PlaceReference place, int pid, Caller& caller);

// proc_mounts.cpp
Answer<OpenFileReference> open_mounts(int flags, PlaceReference place, int pid, Caller& caller);
Answer<OpenFileReference> open_mount_information(int flags, PlaceReference place, int pid, Caller& caller);

// Its namespaces, of which there is one of each kind. proc_namespaces.cpp
Answer<NodeReference> make_namespaces(int pid);

// Its descriptors. proc_descriptors.cpp
Answer<> proc_descriptor_target(TextWriter& out, int pid, int descriptor, Caller& caller);
Answer<> proc_descriptor_text(TextWriter& out, int pid, int descriptor, Caller& caller);
Answer<PlaceReference> lead_to_descriptor(int pid, int descriptor, Caller& caller);
Answer<OpenFileReference> descriptor_of(int pid, int descriptor, Caller& caller);  // ENOENT
int next_descriptor_of(int pid, int first, Caller& caller);                        // -1 at the end

// All record locks and flocks. proc_descriptors.cpp
ProcText proc_locks;

// /proc/net. proc_net.cpp
Answer<NodeReference> make_proc_net();

// What others may see of it; EACCES instead of EPERM. proc_inspected.cpp
struct Inspected;
Answer<Inspected> inspect_for_text(int pid, Caller& caller);

}  // namespace linux_abi

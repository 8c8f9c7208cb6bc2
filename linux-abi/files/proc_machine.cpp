// SPDX-License-Identifier: Apache-2.0
// The texts of /proc about the machine: see proc_texts.h.
#include "kernel/core/entropy.h"
#include "kernel/threads/scheduler.h"
#include "kernel/time/clock.h"
#include "linux-abi/files/file_context.h"
#include "linux-abi/files/inotify_file.h"
#include "linux-abi/files/leases.h"
#include "linux-abi/files/loop_devices.h"
#include "linux-abi/files/pipe_buffer.h"
#include "linux-abi/files/proc_texts.h"
#include "linux-abi/files/tree.h"
#include "linux-abi/process/memory_information.h"
#include "linux-abi/process/request_count.h"
#include "linux-abi/process/scheduling.h"
#include "linux-abi/process/thread.h"
#include "linux-abi/sockets/inet_socket.h"
#include "linux-abi/time/load_averages.h"
#include "linux-abi/time/wall_clock.h"

namespace linux_abi {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000, tick_ns = second_ns / 100;

// "12.34"
Answer<> add_hundredths(TextWriter& out, std::uint64_t hundredths) {
  return out.add("{}.{}{}", hundredths / 100, hundredths / 10 % 10, hundredths % 10);
}

Answer<> add_line(TextWriter& out, std::string_view name, std::uint64_t bytes) {
  constexpr std::string_view blanks = "                ";
  return out.add("{}:{}{} kB\n", name, blanks.substr(0, name.size() < 15 ? 15 - name.size() : 1), bytes / 1024);
}

constexpr std::uint64_t most_pipe_limit = std::uint64_t{1} << 31;

// A limit in /proc/sys: a number that is not negative.
Answer<> write_limit(TextWriter& out, const std::atomic<std::uint32_t>& limit) {
  return out.add("{}\n", limit.load(std::memory_order_relaxed));
}
Answer<> take_limit(std::string_view text, std::atomic<std::uint32_t>& limit) {
  const std::uint64_t value = TRY(decimal_in(text));
  if (value > 0x7fffffff) return error(EINVAL);
  limit.store(static_cast<std::uint32_t>(value), std::memory_order_relaxed);
  return {};
}

}  // namespace

Answer<> proc_meminfo(TextWriter& out, int, Caller&) {
  const MemoryInformation memory = memory_information();
  TRY(add_line(out, "MemTotal", memory.total_bytes));
  TRY(add_line(out, "MemFree", memory.free_bytes));
  TRY(add_line(out, "MemAvailable", memory.free_bytes));
  TRY(add_line(out, "Buffers", 0));
  TRY(add_line(out, "Cached", 0));
  TRY(add_line(out, "SwapCached", 0));
  TRY(add_line(out, "SwapTotal", 0));
  TRY(add_line(out, "SwapFree", 0));
  // There are no huge pages.
  TRY(out.add_text(
      "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        0\n"));
  TRY(add_line(out, "Hugepagesize", std::uint64_t{2} << 20));
  return add_line(out, "Hugetlb", 0);
}

// There are control groups, and nothing that they could control; nor has anybody mounted them.
Answer<> proc_cgroups(TextWriter& out, int, Caller&) {
  return out.add_text("#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
}

// The disk of the root is the sComponent's: only loop devices are block devices of this machine.
Answer<> proc_partitions(TextWriter& out, int, Caller& caller) {
  TRY(out.add_text("major minor  #blocks  name\n\n"));
  LoopDevices& devices = loop_devices_of(caller.file_context().tree());
  for (std::uint32_t number = 0; number < LoopDevices::count; ++number)
    if (const std::uint64_t bytes = TRY(loop_bytes(devices, number, caller)); bytes != 0)
      TRY(out.add("   7        {} {} loop{}\n", number, bytes / 1024, number));
  return {};
}

Answer<> proc_stat(TextWriter& out, int, Caller& caller) {
  const threads::Statistics threads = threads::statistics();
  const std::uint64_t up = caller.now_ns() * threads.cores, idle = threads.idle_ns;
  const std::uint64_t busy = up > idle ? up - idle : 0;
  TRY(out.add("cpu  {} 0 0 {} 0 0 0 0 0 0\n", busy / tick_ns, idle / tick_ns));
  for (std::uint32_t core = 0; core < threads.cores; ++core)
    TRY(out.add("cpu{} {} 0 0 {} 0 0 0 0 0 0\n", core, busy / tick_ns / threads.cores, idle / tick_ns / threads.cores));
  TRY(out.add("intr 0\nctxt {}\nbtime {}\nprocesses {}\nprocs_running {}\nprocs_blocked 0\n", threads.switches,
              (wall_clock_ns() - caller.now_ns()) / second_ns, threads.threads_created, threads.runnable));
  return {};
}

// There is no swapping; what else Linux counts here happens on other components, and lego's --stats have it.
Answer<> proc_vmstat(TextWriter& out, int, Caller&) {
  return out.add("nr_free_pages {}\npswpin 0\npswpout 0\n", memory_information().free_bytes / base::page_bytes);
}

Answer<> proc_uptime(TextWriter& out, int, Caller& caller) {
  TRY(add_hundredths(out, caller.now_ns() / tick_ns));
  TRY(out.add_text(" "));
  TRY(add_hundredths(out, threads::statistics().idle_ns / tick_ns));
  return out.add_text("\n");
}

Answer<> proc_loadavg(TextWriter& out, int, Caller& caller) {
  for (const std::uint64_t average : load_averages().averages()) {
    TRY(add_hundredths(out, (average * 100) >> LoadAverages::fraction_bits));
    TRY(out.add_text(" "));
  }
  const base::SpinGuard guard(tasks_lock);
  return out.add("{}/{} {}\n", threads::statistics().runnable,
                 static_cast<Thread&>(caller).process().vnode().pids.count(),
                 static_cast<Thread&>(caller).process().pid());
}

Answer<> proc_version(TextWriter& out, int, Caller&) {
  return out.add_text("Linux version 6.1.0-lego (LegoOS) #1 SMP LegoOS\n");
}

Answer<> proc_lego_requests(TextWriter& out, int, Caller&) { return out.add("{}\n", requests_made()); }

Answer<> proc_filesystems(TextWriter& out, int, Caller&) {
  return out.add_text("nodev\tproc\nnodev\tsysfs\nnodev\tdevtmpfs\nnodev\ttmpfs\n\text4\n");
}

Answer<> proc_sys_pid_max(TextWriter& out, int, Caller&) { return out.add("{}\n", Pids::max_pid); }
Answer<> proc_sys_zero(TextWriter& out, int, Caller&) { return out.add_text("0\n"); }
Answer<> proc_sys_ostype(TextWriter& out, int, Caller&) { return out.add_text("Linux\n"); }
Answer<> proc_sys_osrelease(TextWriter& out, int, Caller&) { return out.add_text("6.1.0-lego\n"); }
Answer<> proc_sys_groups_max(TextWriter& out, int, Caller&) { return out.add_text("65536\n"); }    // NGROUPS_MAX
Answer<> proc_sys_last_capability(TextWriter& out, int, Caller&) { return out.add_text("40\n"); }  // CAP_LAST_CAP
Answer<> proc_sys_backlog_max(TextWriter& out, int, Caller&) { return out.add_text("4096\n"); }    // SOMAXCONN
Answer<> proc_sys_congestion(TextWriter& out, int, Caller&) { return out.add("{}\n", congestion_names[0]); }
Answer<> proc_sys_congestions(TextWriter& out, int, Caller&) {
  static_assert(congestion_names.size() == 2);
  return out.add("{} {}\n", congestion_names[0], congestion_names[1]);
}
// Linux's default. It binds no privileged user there, and nobody here.
Answer<> proc_sys_pipe_pages(TextWriter& out, int, Caller&) { return out.add_text("16384\n"); }
Answer<> proc_sys_inotify_queued(TextWriter& out, int, Caller&) { return write_limit(out, inotify_max_queued); }
Answer<> store_inotify_queued(std::string_view text, int, Caller&) { return take_limit(text, inotify_max_queued); }
Answer<> proc_sys_inotify_instances(TextWriter& out, int, Caller&) { return write_limit(out, inotify_max_instances); }
Answer<> store_inotify_instances(std::string_view text, int, Caller&) {
  return take_limit(text, inotify_max_instances);
}
Answer<> proc_sys_inotify_watches(TextWriter& out, int, Caller&) { return write_limit(out, inotify_max_watches); }
Answer<> store_inotify_watches(std::string_view text, int, Caller&) { return take_limit(text, inotify_max_watches); }
Answer<> proc_sys_pipe_max(TextWriter& out, int, Caller&) { return write_limit(out, pipe_max_bytes); }
Answer<> store_pipe_max(std::string_view text, int, Caller&) {
  const std::uint64_t bytes = TRY(decimal_in(text));
  if (bytes == 0 || bytes > most_pipe_limit) return error(EINVAL);
  pipe_max_bytes.store(static_cast<std::uint32_t>(pipe_capacity(bytes)), std::memory_order_relaxed);
  return {};
}

namespace {
// A version 4 UUID (RFC 9562) as text.
Answer<> write_random_id(TextWriter& out, std::array<std::uint8_t, 16> id) {
  id[6] = static_cast<std::uint8_t>((id[6] & 0x0f) | 0x40);
  id[8] = static_cast<std::uint8_t>((id[8] & 0x3f) | 0x80);
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<char, 37> text{};
  std::size_t used = 0;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text[used++] = '-';
    text[used++] = digits[id[i] >> 4];
    text[used++] = digits[id[i] & 15];
  }
  text[used++] = '\n';
  return out.add_text({text.data(), used});
}

std::array<std::uint8_t, 16> random_id() {
  std::array<std::uint8_t, 16> id{};
  kernel::fill_random(std::as_writable_bytes(std::span(id)));
  return id;
}
}  // namespace

// One for as long as the component runs.
Answer<> proc_sys_boot_id(TextWriter& out, int, Caller&) {
  static base::SpinLock lock{base::LockRank::Process};
  static std::array<std::uint8_t, 16> id{};
  std::array<std::uint8_t, 16> fresh = random_id();
  {
    const base::SpinGuard guard(lock);
    if (id == std::array<std::uint8_t, 16>{}) id = fresh;
    fresh = id;
  }
  return write_random_id(out, fresh);
}
Answer<> proc_sys_random_id(TextWriter& out, int, Caller&) { return write_random_id(out, random_id()); }

namespace {

using VNodeName = std::array<char, 65> VNode::*;

Answer<> write_name(TextWriter& out, VNodeName which, Caller& caller) {
  std::array<char, 65> name;
  {
    const base::SpinGuard guard(tasks_lock);
    name = static_cast<Thread&>(caller).process().vnode().*which;
  }
  if (name[0] == 0) return out.add_text("(none)\n");
  return out.add("{}\n", std::string_view(name.data()));
}

Answer<> take_name(std::string_view text, VNodeName which, Caller& caller) {
  std::array<char, 65> name{};
  const std::string_view line = text.substr(0, text.find('\n'));
  std::copy_n(line.begin(), std::min(line.size(), name.size() - 1), name.begin());
  const base::SpinGuard guard(tasks_lock);
  static_cast<Thread&>(caller).process().vnode().*which = name;
  return {};
}

}  // namespace

Answer<> proc_sys_hostname(TextWriter& out, int, Caller& caller) { return write_name(out, &VNode::hostname, caller); }
Answer<> store_hostname(std::string_view text, int, Caller& caller) {
  return take_name(text, &VNode::hostname, caller);
}
Answer<> proc_sys_domain_name(TextWriter& out, int, Caller& caller) {
  return write_name(out, &VNode::domain_name, caller);
}
Answer<> store_domain_name(std::string_view text, int, Caller& caller) {
  return take_name(text, &VNode::domain_name, caller);
}
Answer<> proc_sys_version(TextWriter& out, int, Caller&) { return out.add_text("#1 SMP LegoOS\n"); }

// Bits; the generator is seeded for good at boot, as Linux's is.
Answer<> proc_sys_entropy(TextWriter& out, int, Caller&) { return out.add_text("256\n"); }
Answer<> proc_sys_slice(TextWriter& out, int, Caller&) {
  return out.add("{}\n", round_robin_slice_ns / base::millisecond_ns);
}
Answer<> proc_sys_lease_time(TextWriter& out, int, Caller&) { return write_limit(out, lease_break_seconds); }
Answer<> store_lease_time(std::string_view text, int, Caller&) { return take_limit(text, lease_break_seconds); }

}  // namespace linux_abi

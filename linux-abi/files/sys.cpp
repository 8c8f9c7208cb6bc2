// SPDX-License-Identifier: Apache-2.0
// /sys: the processors, the memory and the few settings that C libraries and language runtimes look for.
#include <array>

#include "kernel/base/format.h"
#include "kernel/core/cores.h"
#include "linux-abi/files/core_list.h"
#include "linux-abi/files/fixed_tree.h"
#include "linux-abi/files/sys_core.h"
#include "linux-abi/process/memory_information.h"

namespace linux_abi {
namespace {

Answer<> write_cores(TextWriter& out, int, Caller&) { return write_core_list(out, all_cores()); }
Answer<> write_nothing(TextWriter& out, int, Caller&) { return out.add_text("\n"); }
Answer<> write_zero(TextWriter& out, int, Caller&) { return out.add_text("0\n"); }
Answer<> write_last_possible(TextWriter& out, int, Caller&) { return out.add("{}\n", base::max_cores - 1); }
Answer<> write_clock(TextWriter& out, int, Caller&) { return out.add_text("tsc\n"); }
// There are no huge pages.
Answer<> write_huge_pages(TextWriter& out, int, Caller&) { return out.add_text("always madvise [never]\n"); }

Answer<> write_huge_page_bytes(TextWriter& out, int, Caller&) { return out.add("{}\n", 2U << 20); }
// A vNode is one node of memory.
Answer<> write_core_map(TextWriter& out, int, Caller&) { return write_core_mask(out, all_cores()); }
Answer<> write_distance(TextWriter& out, int, Caller&) { return out.add_text("10\n"); }  // to itself
Answer<> write_node_memory(TextWriter& out, int, Caller&) {
  const MemoryInformation memory = memory_information();
  TRY(out.add("Node 0 MemTotal:       {} kB\n", memory.total_bytes / 1024));
  TRY(out.add("Node 0 MemFree:        {} kB\n", memory.free_bytes / 1024));
  return out.add("Node 0 MemUsed:        {} kB\n", (memory.total_bytes - memory.free_bytes) / 1024);
}

constexpr FixedText texts[] = {
    {"devices/system/cpu/online", write_cores},
    {"devices/system/cpu/possible", write_cores},
    {"devices/system/cpu/present", write_cores},
    {"devices/system/cpu/offline", write_nothing},
    {"devices/system/cpu/kernel_max", write_last_possible},
    {"devices/system/clocksource/clocksource0/current_clocksource", write_clock},
    {"devices/system/clocksource/clocksource0/available_clocksource", write_clock},
    {"devices/system/node/online", write_zero},
    {"devices/system/node/possible", write_zero},
    {"devices/system/node/has_cpu", write_zero},
    {"devices/system/node/has_memory", write_zero},
    {"devices/system/node/has_normal_memory", write_zero},
    {"devices/system/node/node0/cpulist", write_cores},
    {"devices/system/node/node0/cpumap", write_core_map},
    {"devices/system/node/node0/distance", write_distance},
    {"devices/system/node/node0/meminfo", write_node_memory},
    {"kernel/mm/transparent_hugepage/enabled", write_huge_pages},
    {"kernel/mm/transparent_hugepage/hpage_pmd_size", write_huge_page_bytes},
    {"kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", write_zero},
    {"kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages", write_zero},
    {"kernel/mm/hugepages/hugepages-2048kB/free_hugepages", write_zero},
    {"kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", write_zero},
    {"kernel/mm/hugepages/hugepages-2048kB/surplus_hugepages", write_zero},
    {"fs/cgroup"},
    {"block"},
    {"class"},
};
constexpr auto& entries = FixedTree<texts>::entries;
constexpr int cpu_directory = fixed_directory(entries.span(), "cpu");

// The number of "cpuN"; -1: not one of ours.
int core_of(std::string_view name) {
  if (!name.starts_with("cpu")) return -1;
  const int core = number_of_name(name.substr(3));
  return core >= 0 && static_cast<std::uint32_t>(core) < kernel::core_count() ? core : -1;
}

Answer<NodeReference> find(std::string_view name, int directory, Caller&);
bool list(std::uint64_t cookie, int directory, Caller&, ListedEntry& entry) {
  if (list_fixed(entries.span(), cookie, directory, entry)) return true;
  if (directory != cpu_directory) return false;
  const std::uint64_t core = cookie < entries.size() ? 0 : cookie - entries.size() + 1;
  if (core >= kernel::core_count()) return false;
  std::array<char, 16> name;
  return entry.set(base::format(name, "cpu{}", core), entry_type::directory, entries.size() + core);
}
constexpr DirectorySource source{find, list, true};

Answer<NodeReference> find(std::string_view name, int directory, Caller&) {
  if (const int core = core_of(name); directory == cpu_directory && core >= 0) return make_sys_core(core);
  return find_fixed(entries.span(), source, name, directory);
}

}  // namespace

Answer<NodeReference> make_sys() { return make_directory(source, 0); }

}  // namespace linux_abi

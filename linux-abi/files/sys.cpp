// SPDX-License-Identifier: Apache-2.0
// /sys: the processors and the few settings that C libraries and language runtimes look for.
#include <array>

#include "kernel/base/format.h"
#include "kernel/core/cores.h"
#include "linux-abi/files/fixed_tree.h"

namespace linux_abi {
namespace {

Answer<> write_cores(TextWriter& out, int, Caller&) {
  const std::uint32_t cores = kernel::core_count();
  return cores == 1 ? out.add_text("0\n") : out.add("0-{}\n", cores - 1);
}
Answer<> write_nothing(TextWriter& out, int, Caller&) { return out.add_text("\n"); }
Answer<> write_zero(TextWriter& out, int, Caller&) { return out.add_text("0\n"); }
Answer<> write_one(TextWriter& out, int, Caller&) { return out.add_text("1\n"); }
Answer<> write_last_possible(TextWriter& out, int, Caller&) { return out.add("{}\n", base::max_cores - 1); }
Answer<> write_clock(TextWriter& out, int, Caller&) { return out.add_text("tsc\n"); }
// There are no huge pages.
Answer<> write_huge_pages(TextWriter& out, int, Caller&) { return out.add_text("always madvise [never]\n"); }

constexpr FixedText texts[] = {
    {"devices/system/cpu/online", write_cores},
    {"devices/system/cpu/possible", write_cores},
    {"devices/system/cpu/present", write_cores},
    {"devices/system/cpu/offline", write_nothing},
    {"devices/system/cpu/kernel_max", write_last_possible},
    {"devices/system/clocksource/clocksource0/current_clocksource", write_clock},
    {"devices/system/clocksource/clocksource0/available_clocksource", write_clock},
    {"kernel/mm/transparent_hugepage/enabled", write_huge_pages},
    {"fs/cgroup"},
    {"block"},
    {"class"},
};
constexpr auto& entries = FixedTree<texts>::entries;
constexpr int cpu_directory = fixed_directory(entries.span(), "cpu");

// cpuN; its subject is the core.
Answer<> write_core(TextWriter& out, int core, Caller&) { return out.add("{}\n", core); }
struct CoreText {
  std::string_view name;
  WriteText write;
};
constexpr std::array<CoreText, 3> topology_texts{
    {{"core_id", write_core}, {"physical_package_id", write_zero}, {"thread_siblings_list", write_core}}};

Answer<NodeReference> find_topology(std::string_view name, int core, Caller&) {
  for (const CoreText& text : topology_texts)
    if (text.name == name) return make_text(text.write, core);
  return error(ENOENT);
}
bool list_topology(std::uint64_t cookie, int, Caller&, ListedEntry& entry) {
  return cookie < topology_texts.size() && entry.set(topology_texts[cookie].name, entry_type::regular, cookie + 1);
}
constexpr DirectorySource topology{find_topology, list_topology, true};

Answer<NodeReference> find_of_core(std::string_view name, int core, Caller&) {
  if (name == "online") return make_text(write_one, core);
  if (name == "topology") return make_directory(topology, core);
  return error(ENOENT);
}
bool list_of_core(std::uint64_t cookie, int, Caller&, ListedEntry& entry) {
  if (cookie == 0) return entry.set("online", entry_type::regular, 1);
  return cookie == 1 && entry.set("topology", entry_type::directory, 2);
}
constexpr DirectorySource of_core{find_of_core, list_of_core, true};

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
  if (const int core = core_of(name); directory == cpu_directory && core >= 0) return make_directory(of_core, core);
  return find_fixed(entries.span(), source, name, directory);
}

}  // namespace

Answer<NodeReference> make_sys() { return make_directory(source, 0); }

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// What one core is and whom it shares with, from CPUID: see sys_core.h.
#include "linux-abi/files/sys_core.h"

#include <algorithm>
#include <array>

#include "arch/x86_64/cpu_description.h"
#include "arch/x86_64/percpu.h"
#include "kernel/base/format.h"
#include "linux-abi/files/core_list.h"

namespace linux_abi {
namespace {

struct NamedText {
  std::string_view name;
  WriteText write;
};

// A directory of texts with the same subject as it.
template <const auto& texts>
struct TextDirectory {
  static Answer<NodeReference> find(std::string_view name, int subject, Caller&) {
    for (const NamedText& text : texts)
      if (text.name == name) return make_text(text.write, subject);
    return error(ENOENT);
  }
  static bool list(std::uint64_t cookie, int, Caller&, ListedEntry& entry) {
    return cookie < std::size(texts) && entry.set(texts[cookie].name, entry_type::regular, cookie + 1);
  }
  static constexpr DirectorySource source{find, list, true};
};

Answer<> write_one(TextWriter& out, int, Caller&) { return out.add_text("1\n"); }

// topology/. A core's threads are the cores beside it above the thread bits; a package is one die and one cluster.
CoreSet package_of(int core) {
  return cores_beside(static_cast<std::uint32_t>(core), arch::read_cpu_topology(arch::cpuid).package_shift);
}
CoreSet threads_of(int core) {
  return cores_beside(static_cast<std::uint32_t>(core), arch::read_cpu_topology(arch::cpuid).thread_bits);
}
std::uint32_t apic_id(int core) { return arch::percpu(static_cast<std::uint32_t>(core)).apic_id; }

Answer<> write_core_id(TextWriter& out, int core, Caller&) {
  return out.add("{}\n", arch::read_cpu_topology(arch::cpuid).core_of(apic_id(core)));
}
Answer<> write_package_id(TextWriter& out, int core, Caller&) {
  return out.add("{}\n", arch::read_cpu_topology(arch::cpuid).package_of(apic_id(core)));
}
Answer<> write_zero(TextWriter& out, int, Caller&) { return out.add_text("0\n"); }
Answer<> write_thread_list(TextWriter& out, int core, Caller&) { return write_core_list(out, threads_of(core)); }
Answer<> write_thread_mask(TextWriter& out, int core, Caller&) { return write_core_mask(out, threads_of(core)); }
Answer<> write_package_list(TextWriter& out, int core, Caller&) { return write_core_list(out, package_of(core)); }
Answer<> write_package_mask(TextWriter& out, int core, Caller&) { return write_core_mask(out, package_of(core)); }

constexpr NamedText topology_texts[] = {{"core_id", write_core_id},
                                        {"physical_package_id", write_package_id},
                                        {"die_id", write_zero},
                                        {"thread_siblings", write_thread_mask},
                                        {"thread_siblings_list", write_thread_list},
                                        {"core_cpus", write_thread_mask},
                                        {"core_cpus_list", write_thread_list},
                                        {"core_siblings", write_package_mask},
                                        {"core_siblings_list", write_package_list},
                                        {"package_cpus", write_package_mask},
                                        {"package_cpus_list", write_package_list},
                                        {"die_cpus", write_package_mask},
                                        {"die_cpus_list", write_package_list}};

// cache/indexM; the subject is both numbers.
constexpr int cache_subject(int core, std::uint32_t index) {
  return core * static_cast<int>(arch::most_cpu_caches) + static_cast<int>(index);
}
int core_of_cache(int subject) { return subject / static_cast<int>(arch::most_cpu_caches); }
// There is one: its directory was found.
arch::CpuCache cache_of(int subject) {
  const auto index = static_cast<std::uint32_t>(subject) % arch::most_cpu_caches;
  return arch::read_cpu_cache(arch::cpuid, index).value_or(arch::CpuCache());
}
CoreSet sharing(int subject) {
  return cores_beside(static_cast<std::uint32_t>(core_of_cache(subject)), cache_of(subject).sharing_bits);
}

template <std::uint32_t arch::CpuCache::*member>
Answer<> write_number(TextWriter& out, int subject, Caller&) {
  return out.add("{}\n", cache_of(subject).*member);
}
Answer<> write_type(TextWriter& out, int subject, Caller&) {
  constexpr std::array<std::string_view, 4> names{"", "Data", "Instruction", "Unified"};
  return out.add("{}\n", names[static_cast<std::size_t>(cache_of(subject).type)]);
}
Answer<> write_size(TextWriter& out, int subject, Caller&) {
  return out.add("{}K\n", cache_of(subject).bytes() / 1024);
}
Answer<> write_cache_id(TextWriter& out, int subject, Caller&) {
  return out.add("{}\n", std::uint64_t{apic_id(core_of_cache(subject))} >> cache_of(subject).sharing_bits);
}
Answer<> write_sharing_list(TextWriter& out, int subject, Caller&) { return write_core_list(out, sharing(subject)); }
Answer<> write_sharing_mask(TextWriter& out, int subject, Caller&) { return write_core_mask(out, sharing(subject)); }

constexpr NamedText cache_texts[] = {{"type", write_type},
                                     {"level", write_number<&arch::CpuCache::level>},
                                     {"size", write_size},
                                     {"coherency_line_size", write_number<&arch::CpuCache::line_bytes>},
                                     {"physical_line_partition", write_number<&arch::CpuCache::partitions>},
                                     {"ways_of_associativity", write_number<&arch::CpuCache::ways>},
                                     {"number_of_sets", write_number<&arch::CpuCache::sets>},
                                     {"id", write_cache_id},
                                     {"shared_cpu_list", write_sharing_list},
                                     {"shared_cpu_map", write_sharing_mask}};

Answer<NodeReference> find_cache(std::string_view name, int core, Caller&) {
  constexpr std::string_view prefix = "index";
  const int index = name.starts_with(prefix) ? number_of_name(name.substr(prefix.size())) : -1;
  if (index < 0 || !arch::read_cpu_cache(arch::cpuid, static_cast<std::uint32_t>(index))) return error(ENOENT);
  return make_directory(TextDirectory<cache_texts>::source, cache_subject(core, static_cast<std::uint32_t>(index)));
}
bool list_caches(std::uint64_t cookie, int, Caller&, ListedEntry& entry) {
  if (cookie >= arch::most_cpu_caches || !arch::read_cpu_cache(arch::cpuid, static_cast<std::uint32_t>(cookie)))
    return false;
  std::array<char, 16> name;
  return entry.set(base::format(name, "index{}", cookie), entry_type::directory, cookie + 1);
}
constexpr DirectorySource caches{find_cache, list_caches, true};

constexpr std::array<std::string_view, 3> names{"online", "topology", "cache"};
Answer<NodeReference> find(std::string_view name, int core, Caller&) {
  if (name == names[0]) return make_text(write_one, core);
  if (name == names[1]) return make_directory(TextDirectory<topology_texts>::source, core);
  if (name == names[2]) return make_directory(caches, core);
  return error(ENOENT);
}
bool list(std::uint64_t cookie, int, Caller&, ListedEntry& entry) {
  if (cookie >= names.size()) return false;
  return entry.set(names[cookie], cookie == 0 ? entry_type::regular : entry_type::directory, cookie + 1);
}
constexpr DirectorySource source{find, list, true};

}  // namespace

Answer<NodeReference> make_sys_core(int core) { return make_directory(source, core); }

}  // namespace linux_abi

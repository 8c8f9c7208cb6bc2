// SPDX-License-Identifier: Apache-2.0
// /proc/cpuinfo, from CPUID: see proc_texts.h.
#include <bit>

#include "arch/x86_64/cpu_description.h"
#include "arch/x86_64/cpu_features.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/fpu_layout.h"
#include "arch/x86_64/percpu.h"
#include "kernel/core/cores.h"
#include "kernel/time/clock.h"
#include "linux-abi/files/core_list.h"
#include "linux-abi/files/proc_texts.h"

namespace linux_abi {
namespace {

// "2000.000", of units of a thousandth.
Answer<> add_thousandths(TextWriter& out, std::string_view name, std::uint64_t value) {
  return out.add("{}: {}.{}{}{}\n", name, value / 1000, value / 100 % 10, value / 10 % 10, value % 10);
}

// The largest there is.
std::uint64_t cache_bytes() {
  std::uint64_t bytes = 0;
  for (std::uint32_t i = 0; const auto cache = arch::read_cpu_cache(arch::cpuid, i); ++i)
    bytes = std::max(bytes, cache->bytes());
  return bytes;
}

// What CPUID says once for all cores: each question is an exit to whoever runs this machine, and the flags are
// hundreds.
struct Common {
  arch::CpuIdentity identity = arch::read_cpu_identity(arch::cpuid);
  arch::CpuTopology topology = arch::read_cpu_topology(arch::cpuid);
  std::uint64_t largest_cache_bytes = cache_bytes();
  TextWriter flags;
};

Answer<> add_place(TextWriter& out, std::uint32_t core, const arch::CpuTopology& topology) {
  const std::uint32_t id = arch::percpu(core).apic_id;
  const auto threads = std::popcount(cores_beside(core, topology.package_shift));
  const auto beside = std::popcount(cores_beside(core, topology.thread_bits));
  TRY(out.add("physical id\t: {}\nsiblings\t: {}\ncore id\t\t: {}\ncpu cores\t: {}\n", topology.package_of(id), threads,
              topology.core_of(id), threads / beside));
  return out.add("apicid\t\t: {}\ninitial apicid\t: {}\n", id, id);
}

Answer<> add_flags(TextWriter& out) {
  TRY(out.add_text("flags\t\t:"));
  for (const arch::CpuFlag& flag : arch::cpu_flags())
    if (arch::has_cpu_flag(arch::cpuid, flag, arch::fpu_layout().features)) TRY(out.add(" {}", flag.name));
  return out.add_text("\n");
}

Answer<> add_core(TextWriter& out, std::uint32_t core, Common& common) {
  const arch::CpuIdentity& identity = common.identity;
  const std::uint64_t kilohertz = kernel::tsc_hertz() / 1000;
  TRY(out.add("processor\t: {}\nvendor_id\t: {}\ncpu family\t: {}\nmodel\t\t: {}\n", core, identity.vendor.data(),
              identity.family, identity.model));
  TRY(out.add("model name\t: {}\nstepping\t: {}\n", arch::cpu_features().brand.data(), identity.stepping));
  TRY(add_thousandths(out, "cpu MHz\t\t", kilohertz));
  TRY(out.add("cache size\t: {} KB\n", common.largest_cache_bytes / 1024));
  TRY(add_place(out, core, common.topology));
  TRY(out.add("fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: {}\nwp\t\t: yes\n", identity.highest_leaf));
  TRY(out.bytes().append(common.flags.bytes().span()));
  // Two for a cycle of the time stamp counter, as on every processor that has one.
  TRY(out.add("bogomips\t: {}.{}{}\n", kilohertz / 500, kilohertz / 50 % 10, kilohertz / 5 % 10));
  TRY(out.add("clflush size\t: {}\ncache_alignment\t: {}\n", identity.flushed_bytes, identity.flushed_bytes));
  return out.add("address sizes\t: {} bits physical, {} bits virtual\npower management:\n\n",
                 identity.physical_address_bits, identity.linear_address_bits);
}

}  // namespace

Answer<> proc_cpuinfo(TextWriter& out, int, Caller&) {
  Common common;
  TRY(add_flags(common.flags));
  for (std::uint32_t core = 0; core < kernel::core_count(); ++core) TRY(add_core(out, core, common));
  return {};
}

}  // namespace linux_abi

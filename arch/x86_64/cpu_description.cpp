// SPDX-License-Identifier: Apache-2.0
// See cpu_description.h.
#include "arch/x86_64/cpu_description.h"

#include <bit>
#include <cstring>

namespace arch {
namespace {

constexpr std::uint32_t intel_caches = 4, amd_caches = 0x8000001d, extended_topology = 0xb;
constexpr std::uint32_t older_first_caches = 0x80000005, older_other_caches = 0x80000006;

constexpr std::uint32_t bits(std::uint32_t value, unsigned high, unsigned low) {
  return value >> low & ((std::uint32_t{2} << (high - low)) - 1);
}

bool has_leaf(ReadCpuid cpuid, std::uint32_t leaf) { return leaf <= cpuid(leaf & 0x80000000, 0).eax; }

// How many bits number `count` things.
std::uint32_t bits_for(std::uint32_t count) { return static_cast<std::uint32_t>(std::bit_width(count - 1)); }

std::optional<CpuCache> cache_of_leaf(ReadCpuid cpuid, std::uint32_t leaf, std::uint32_t index) {
  if (!has_leaf(cpuid, leaf)) return std::nullopt;
  const CpuidResult found = cpuid(leaf, index);
  const std::uint32_t type = bits(found.eax, 4, 0);
  if (type == 0 || type > static_cast<std::uint32_t>(CacheType::Unified)) return std::nullopt;
  return CpuCache{.type = static_cast<CacheType>(type),
                  .level = bits(found.eax, 7, 5),
                  .line_bytes = bits(found.ebx, 11, 0) + 1,
                  .partitions = bits(found.ebx, 21, 12) + 1,
                  .ways = bits(found.ebx, 31, 22) + 1,
                  .sets = found.ecx + 1,
                  .sharing_bits = bits_for(bits(found.eax, 25, 14) + 1)};
}

// AMD's processors without TOPOEXT: data, instructions, second and third level, in KiB or units of 512 KiB.
std::uint32_t older_ways(std::uint32_t code, std::uint32_t lines) {
  constexpr std::array<std::uint32_t, 16> ways{0, 1, 2, 3, 4, 6, 8, 0, 16, 0, 32, 48, 64, 96, 128, 0};
  constexpr std::uint32_t all = 15;
  return code == all ? lines : ways[code];
}
std::optional<CpuCache> older_cache(ReadCpuid cpuid, std::uint32_t index) {
  if (index > 3 || !has_leaf(cpuid, older_other_caches)) return std::nullopt;
  const CpuidResult first = cpuid(older_first_caches, 0), other = cpuid(older_other_caches, 0);
  const std::uint32_t said = index == 0 ? first.ecx : index == 1 ? first.edx : index == 2 ? other.ecx : other.edx;
  CpuCache cache{.type = index == 0   ? CacheType::Data
                         : index == 1 ? CacheType::Instruction
                                      : CacheType::Unified,
                 .level = index < 2 ? 1 : index,
                 .line_bytes = bits(said, 7, 0),
                 .partitions = 1};
  const std::uint64_t kibibytes = index < 2    ? bits(said, 31, 24)
                                  : index == 2 ? bits(said, 31, 16)
                                               : std::uint64_t{bits(said, 31, 18)} * 512;
  if (cache.line_bytes == 0) return std::nullopt;
  const auto lines = static_cast<std::uint32_t>(kibibytes * 1024 / cache.line_bytes);
  constexpr std::uint32_t all = 0xff;
  if (index < 2)
    cache.ways = bits(said, 23, 16) == all ? lines : bits(said, 23, 16);
  else
    cache.ways = older_ways(bits(said, 15, 12), lines);
  if (cache.ways == 0 || lines < cache.ways) return std::nullopt;
  cache.sets = lines / cache.ways;
  if (index == 3) cache.sharing_bits = read_cpu_topology(cpuid).package_shift;
  return cache;
}

// Processors without leaf 0Bh.
CpuTopology older_topology(ReadCpuid cpuid) {
  const CpuidResult basic = cpuid(1, 0);
  const bool several = bits(basic.edx, 28, 28) != 0;
  const std::uint32_t threads = several ? bits(basic.ebx, 23, 16) : 1;
  if (threads < 2) return {};
  std::uint32_t cores = 1;
  if (has_leaf(cpuid, intel_caches) && bits(cpuid(intel_caches, 0).eax, 4, 0) != 0)
    cores = bits(cpuid(intel_caches, 0).eax, 31, 26) + 1;
  else if (has_leaf(cpuid, 0x80000008))
    cores = bits(cpuid(0x80000008, 0).ecx, 7, 0) + 1;
  return {.thread_bits = cores < threads ? bits_for(threads / cores) : 0, .package_shift = bits_for(threads)};
}

}  // namespace

CpuIdentity read_cpu_identity(ReadCpuid cpuid) {
  const CpuidResult first = cpuid(0, 0), basic = cpuid(1, 0);
  CpuIdentity identity{.highest_leaf = first.eax};
  const std::array<std::uint32_t, 3> name{first.ebx, first.edx, first.ecx};
  std::memcpy(identity.vendor.data(), name.data(), sizeof name);
  identity.family = bits(basic.eax, 11, 8);
  identity.model = bits(basic.eax, 7, 4);
  identity.stepping = bits(basic.eax, 3, 0);
  if (identity.family == 6 || identity.family == 15) identity.model |= bits(basic.eax, 19, 16) << 4;
  if (identity.family == 15) identity.family += bits(basic.eax, 27, 20);
  if (bits(basic.edx, 19, 19) != 0) identity.flushed_bytes = bits(basic.ebx, 15, 8) * 8;
  if (has_leaf(cpuid, 0x80000008)) {
    const std::uint32_t sizes = cpuid(0x80000008, 0).eax;
    identity.physical_address_bits = bits(sizes, 7, 0);
    identity.linear_address_bits = bits(sizes, 15, 8);
  }
  return identity;
}

std::optional<CpuCache> read_cpu_cache(ReadCpuid cpuid, std::uint32_t index) {
  if (index >= most_cpu_caches) return std::nullopt;
  for (const std::uint32_t leaf : {intel_caches, amd_caches})
    if (cache_of_leaf(cpuid, leaf, 0)) return cache_of_leaf(cpuid, leaf, index);
  return older_cache(cpuid, index);
}

CpuTopology read_cpu_topology(ReadCpuid cpuid) {
  if (!has_leaf(cpuid, extended_topology) || cpuid(extended_topology, 0).ebx == 0) return older_topology(cpuid);
  constexpr std::uint32_t threads_level = 1, cores_level = 2;
  CpuTopology topology;
  for (std::uint32_t i = 0; i < 2; ++i) {
    const CpuidResult level = cpuid(extended_topology, i);
    const std::uint32_t type = bits(level.ecx, 15, 8), shift = bits(level.eax, 4, 0);
    if (type == threads_level) topology.thread_bits = shift;
    if (type == threads_level || type == cores_level) topology.package_shift = shift;
  }
  return topology;
}

bool has_cpu_flag(ReadCpuid cpuid, const CpuFlag& flag, std::uint64_t states) {
  if ((states & flag.states) != flag.states || !has_leaf(cpuid, flag.leaf)) return false;
  return (cpuid(flag.leaf, flag.subleaf).*flag.part >> flag.bit & 1) != 0;
}

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
// What CPUID says of the processor that programs ask about: who made it, its caches, how its threads share them (SDM
// volume 2A, CPUID; AMD's manual volume 3, appendix E). What the kernel itself needs to know is in cpu_features.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "arch/x86_64/cpu.h"

namespace arch {

// CPUID, or in tests what some processor answered.
using ReadCpuid = CpuidResult (*)(std::uint32_t leaf, std::uint32_t subleaf);

struct CpuIdentity {
  std::array<char, 13> vendor{};  // zero-terminated
  std::uint32_t family = 0, model = 0, stepping = 0;
  std::uint32_t highest_leaf = 0;
  std::uint32_t flushed_bytes = 64;  // by CLFLUSH
  std::uint32_t physical_address_bits = 36, linear_address_bits = 48;
};
CpuIdentity read_cpu_identity(ReadCpuid cpuid);

enum class CacheType : std::uint8_t { None = 0, Data = 1, Instruction = 2, Unified = 3 };
struct CpuCache {
  CacheType type = CacheType::None;
  std::uint32_t level = 0;
  std::uint32_t line_bytes = 0, partitions = 0, ways = 0, sets = 0;
  // Cores whose APIC ids are the same above these bits share it.
  std::uint32_t sharing_bits = 0;
  std::uint64_t bytes() const { return std::uint64_t{line_bytes} * partitions * ways * sets; }
};
inline constexpr std::uint32_t most_cpu_caches = 8;
// Of number `index`; nothing after the last.
std::optional<CpuCache> read_cpu_cache(ReadCpuid cpuid, std::uint32_t index);

// The parts of an APIC id: package, then core within it above the lowest `thread_bits`.
struct CpuTopology {
  std::uint32_t thread_bits = 0;
  std::uint32_t package_shift = 0;
  std::uint64_t package_of(std::uint32_t apic_id) const { return std::uint64_t{apic_id} >> package_shift; }
  std::uint64_t core_of(std::uint32_t apic_id) const {
    return (apic_id & ((std::uint64_t{1} << package_shift) - 1)) >> thread_bits;
  }
};
CpuTopology read_cpu_topology(ReadCpuid cpuid);

// A feature by the name that Linux gives it in /proc/cpuinfo.
struct CpuFlag {
  std::uint32_t leaf, subleaf;
  std::uint32_t CpuidResult::*part;
  std::uint32_t bit;
  std::string_view name;
  std::uint64_t states = 0;  // of XCR0: without them nobody can use it
};
std::span<const CpuFlag> cpu_flags();
// `states`: what XCR0 has.
bool has_cpu_flag(ReadCpuid cpuid, const CpuFlag& flag, std::uint64_t states);

}  // namespace arch

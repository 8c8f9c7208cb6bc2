// SPDX-License-Identifier: Apache-2.0
// What the boot core's CPUID says, as far as the kernel asks. All cores of a component are taken to be alike.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace arch {

struct CpuFeatures {
  bool smep = false, smap = false, umip = false, fsgsbase = false;
  bool huge_pages = false;  // 1 GiB
  bool x2apic = false, tsc_deadline = false;
  bool rdtscp = false;        // and IA32_TSC_AUX
  bool invariant_tsc = false;  // counts at one rate in every power state
  bool rdrand = false, rdseed = false;
  bool xsave = false, xsaveopt = false;
  bool hypervisor = false;
  std::uint32_t physical_address_bits = 36;
  std::uint64_t tsc_frequency = 0;  // from leaf 15h (with 16h for the crystal where 15h leaves it out); 0: unknown
  std::array<char, 49> brand{};     // zero-terminated
};

// Reads CPUID; once, by the boot core.
void detect_cpu_features();
const CpuFeatures& cpu_features();

}  // namespace arch

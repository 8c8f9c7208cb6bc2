// SPDX-License-Identifier: Apache-2.0
// CPUID: SDM volume 2A, CPUID; AMD's manual volume 3, appendix E.
#include "arch/x86_64/cpu_features.h"

#include <cstring>

#include "arch/x86_64/cpu.h"

namespace arch {
namespace {

CpuFeatures features;

constexpr bool bit(std::uint32_t value, unsigned number) { return (value >> number & 1) != 0; }

std::uint64_t frequency_from_cpuid(std::uint32_t highest_leaf) {
  if (highest_leaf < 0x15) return 0;
  const CpuidResult ratio = cpuid(0x15);
  if (ratio.eax == 0 || ratio.ebx == 0) return 0;
  std::uint64_t crystal = ratio.ecx;
  if (crystal == 0 && highest_leaf >= 0x16)
    crystal = std::uint64_t{cpuid(0x16).eax & 0xffff} * 1'000'000 * ratio.eax / ratio.ebx;
  return crystal * ratio.ebx / ratio.eax;
}

}  // namespace

void detect_cpu_features() {
  const std::uint32_t highest = cpuid(0).eax;
  const std::uint32_t highest_extended = cpuid(0x80000000).eax;
  const CpuidResult basic = cpuid(1);
  features.x2apic = bit(basic.ecx, 21);
  features.tsc_deadline = bit(basic.ecx, 24);
  features.xsave = bit(basic.ecx, 26);
  features.rdrand = bit(basic.ecx, 30);
  features.hypervisor = bit(basic.ecx, 31);
  if (highest >= 7) {
    const CpuidResult structured = cpuid(7);
    features.fsgsbase = bit(structured.ebx, 0);
    features.smep = bit(structured.ebx, 7);
    features.rdseed = bit(structured.ebx, 18);
    features.smap = bit(structured.ebx, 20);
    features.umip = bit(structured.ecx, 2);
  }
  if (highest >= 0xd && features.xsave) features.xsaveopt = bit(cpuid(0xd, 1).eax, 0);
  if (highest_extended >= 0x80000001) {
    features.huge_pages = bit(cpuid(0x80000001).edx, 26);
    features.rdtscp = bit(cpuid(0x80000001).edx, 27);
  }
  if (highest_extended >= 0x80000007) features.invariant_tsc = bit(cpuid(0x80000007).edx, 8);
  if (highest_extended >= 0x80000008) features.physical_address_bits = cpuid(0x80000008).eax & 0xff;
  if (highest_extended >= 0x80000004) {
    for (std::uint32_t part = 0; part < 3; ++part) {
      const CpuidResult text = cpuid(0x80000002 + part);
      std::memcpy(features.brand.data() + part * sizeof text, &text, sizeof text);
    }
  }
  features.tsc_frequency = frequency_from_cpuid(highest);
}

const CpuFeatures& cpu_features() { return features; }

}  // namespace arch

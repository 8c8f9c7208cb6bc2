// SPDX-License-Identifier: Apache-2.0
// Sets of cores: see core_list.h.
#include "linux-abi/files/core_list.h"

#include <bit>

#include "arch/x86_64/percpu.h"
#include "kernel/core/cores.h"

namespace linux_abi {

CoreSet all_cores() { return cores_beside(0, 32); }

CoreSet cores_beside(std::uint32_t core, std::uint32_t bits) {
  const auto group = [bits](std::uint32_t of) { return std::uint64_t{arch::percpu(of).apic_id} >> bits; };
  CoreSet cores = 0;
  for (std::uint32_t other = 0; other < kernel::core_count(); ++other)
    if (group(other) == group(core)) cores |= CoreSet{1} << other;
  return cores;
}

Answer<> write_core_list(TextWriter& out, CoreSet cores) {
  std::uint32_t base = 0;
  for (bool first = true; cores != 0; first = false) {
    const auto skipped = static_cast<std::uint32_t>(std::countr_zero(cores));
    cores >>= skipped;
    const auto run = static_cast<std::uint32_t>(std::countr_one(cores));
    const std::uint32_t begin = base + skipped;
    TRY(out.add(first ? "{}" : ",{}", begin));
    if (run > 1) TRY(out.add("-{}", begin + run - 1));
    base = begin + run;
    cores = run < 64 ? cores >> run : 0;
  }
  return out.add_text("\n");
}

Answer<> write_core_mask(TextWriter& out, CoreSet cores) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (std::uint32_t digit = (kernel::core_count() + 3) / 4; digit-- > 0;) {
    TRY(out.add_text(digits.substr(cores >> (4 * digit) & 15, 1)));
    if (digit == 8) TRY(out.add_text(","));
  }
  return out.add_text("\n");
}

}  // namespace linux_abi

// SPDX-License-Identifier: Apache-2.0
// The trampoline's page and parameters: see start_cores.h and boot/trampoline.asm.
#include "arch/x86_64/start_cores.h"

#include <array>
#include <cstring>

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "kernel/base/assert.h"

extern "C" {
extern const std::byte trampoline_start[];
extern const std::byte trampoline_end[];
extern const std::byte trampoline_parameters[];
// boot/start.asm; linked at their physical addresses.
extern std::byte boot_root[];
}

namespace arch {
namespace {

struct [[gnu::packed]] TrampolineParameters {
  std::uint64_t stack;
  std::uint64_t argument;
  std::uint64_t entry;
  std::array<std::uint64_t, 3> gdt;
  std::uint32_t root;
  std::uint32_t far_target;
  std::uint16_t far_selector;
  std::uint16_t gdt_limit;
  std::uint32_t gdt_address;
};
static_assert(sizeof(TrampolineParameters) == 64);

}  // namespace

Trampoline::Trampoline(base::PhysAddr page, base::PhysAddr kernel_root, std::uintptr_t direct_map_offset)
    : page_(page),
      memory_(reinterpret_cast<std::byte*>(direct_map_offset + page.value())),
      boot_root_(reinterpret_cast<std::uint64_t*>(direct_map_offset + reinterpret_cast<std::uintptr_t>(boot_root))) {
  const auto bytes = static_cast<std::size_t>(trampoline_end - trampoline_start);
  const auto parameters_at = static_cast<std::size_t>(trampoline_parameters - trampoline_start);
  LEGO_ASSERT(bytes <= base::page_bytes && page.value() < (1u << 20));
  std::memcpy(memory_, trampoline_start, bytes);
  TrampolineParameters parameters;
  std::memcpy(&parameters, memory_ + parameters_at, sizeof parameters);
  const auto address = static_cast<std::uint32_t>(page.value());
  parameters.root = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(boot_root));
  parameters.far_target += address;
  parameters.gdt_address = address + static_cast<std::uint32_t>(parameters_at + offsetof(TrampolineParameters, gdt));
  std::memcpy(memory_ + parameters_at, &parameters, sizeof parameters);
  const auto* kernel = reinterpret_cast<const std::uint64_t*>(direct_map_offset + kernel_root.value());
  for (unsigned index = table_entries / 2; index < table_entries; ++index) boot_root_[index] = kernel[index];
}

Trampoline::~Trampoline() { std::memset(boot_root_, 0, base::page_bytes); }

void Trampoline::prepare(const CoreStart& start) {
  const auto parameters_at = static_cast<std::size_t>(trampoline_parameters - trampoline_start);
  TrampolineParameters parameters;
  std::memcpy(&parameters, memory_ + parameters_at, sizeof parameters);
  parameters.stack = start.stack_top;
  parameters.argument = reinterpret_cast<std::uint64_t>(start.argument);
  parameters.entry = reinterpret_cast<std::uint64_t>(start.entry);
  std::memcpy(memory_ + parameters_at, &parameters, sizeof parameters);
  full_fence();
}

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
// What platform.h promises about the core that runs this, in the images: x86-64 instructions, as everything that locks
// is made of them. Included by platform.h only. GS points to the core's own area (arch/x86_64/percpu.h).
#pragma once

#include <cstdint>

namespace base::platform {

inline constexpr std::uint32_t core_number_offset = 32;  // in the core's own area

inline std::uint64_t disable_interrupts() {
  constexpr std::uint64_t interrupt_flag = 1u << 9;
  std::uint64_t flags;
  asm volatile("pushfq; popq %0; cli" : "=r"(flags)::"memory");
  return flags & interrupt_flag;
}
inline void restore_interrupts(std::uint64_t state) {
  if (state != 0) asm volatile("sti" ::: "memory");
}
inline std::uint32_t current_core() {
  std::uint32_t core;
  asm volatile("movl %%gs:%c1, %0" : "=r"(core) : "i"(core_number_offset));
  return core;
}
inline void relax() { asm volatile("pause" ::: "memory"); }

}  // namespace base::platform

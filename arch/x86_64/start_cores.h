// SPDX-License-Identifier: Apache-2.0
// Brings other cores from their reset state to a C++ function on a stack (boot/trampoline.asm). One core at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/base/types.h"

namespace arch {

struct CoreStart {
  std::uint64_t stack_top = 0;
  void (*entry)(void* argument) = nullptr;  // with interrupts disabled, on the boot page tables, without a per-CPU area
  void* argument = nullptr;
};

// The boot page tables at run time: still used by cores that start. `offset`: of the direct map.
class Trampoline {
 public:
  // `page`: below 1 MiB. `kernel_root`: its upper half is lent to the boot tables.
  Trampoline(base::PhysAddr page, base::PhysAddr kernel_root, std::uintptr_t direct_map_offset);
  // Nothing is mapped below the kernel any more, in no page table.
  ~Trampoline();
  Trampoline(const Trampoline&) = delete;
  Trampoline& operator=(const Trampoline&) = delete;

  // For the next core that gets the start-up interrupt. Once the core runs its entry function, the next may follow.
  void prepare(const CoreStart& start);
  base::PhysAddr page() const { return page_; }

 private:
  base::PhysAddr page_;
  std::byte* memory_;
  std::uint64_t* boot_root_;
};

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
// The kernel's own page table, and what is mapped into it at run time: device registers and kernel stacks. A SpinLock
// of rank Frames guards the bookkeeping. Mappings of devices stay for ever, so no TLB shootdown is ever needed here;
// stacks are kept mapped and used again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "arch/x86_64/paging.h"
#include "kernel/base/error.h"
#include "kernel/base/types.h"
#include "kernel/memory/layout.h"

namespace kernel {

// Root of the kernel's page table: nothing in the user half. Set once at boot, before anything else here is used.
base::PhysAddr kernel_root();
void set_kernel_root(base::PhysAddr table);

// A root table for a user address space: the kernel half is the kernel's, the user half is empty. Frames for its tables
// come from `source`; free the tables, then the root.
base::Result<base::PhysAddr> make_user_root(arch::TableSource& source);

// Tables out of frames(), kind Kernel.
arch::TableSource& kernel_tables();

// Registers of a device (or memory outside the direct map, with CacheMode::WriteBack), mapped read-write, never
// executable. Neither the address nor the size need be page aligned. The mapping is permanent.
base::Result<std::byte*> map_device(base::PhysAddr address, std::uint64_t bytes,
                                    arch::CacheMode cache = arch::CacheMode::Uncached);

// A kernel stack of kernel_stack_bytes with an unmapped page below it; `top` is 16-byte aligned.
inline constexpr std::uint64_t kernel_stack_bytes = 16 * 1024;
struct KernelStack {
  std::uintptr_t bottom = 0;
  std::uintptr_t top() const { return bottom + kernel_stack_bytes; }
};
base::Result<KernelStack> allocate_kernel_stack();
void free_kernel_stack(KernelStack stack);  // not the one in use

}  // namespace kernel

// SPDX-License-Identifier: Apache-2.0
// From the boot page tables to the kernel's own, and from the firmware's memory map to the frame allocator.
#pragma once

#include "kernel/base/types.h"
#include "kernel/boot/boot_info.h"

namespace kernel {

// Physical memory below 4 GiB, as the boot page tables map it.
class IdentityReader final : public PhysicalReader {
 public:
  std::span<const std::byte> view(base::PhysAddr address, std::uint64_t bytes) const override;
};

// After this the direct map and the heap can be used, nothing is mapped below the kernel, and no page is both writable
// and executable. Panics when there is too little memory to go on.
void start_memory(const BootInfo& boot);

// A free page of RAM below 1 MiB, which the frame allocator does not have; none: 0.
base::PhysAddr low_page(const BootInfo& boot);

}  // namespace kernel

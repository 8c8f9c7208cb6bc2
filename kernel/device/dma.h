// SPDX-License-Identifier: Apache-2.0
// Memory that devices read and write, as drivers see it. The images implement it over the frame allocator and the
// direct map; tests over ordinary memory, where an address is the pointer itself.
#pragma once

#include <cstddef>
#include <span>

#include "kernel/base/error.h"
#include "kernel/base/types.h"

namespace device {

class DmaMemory {
 public:
  // Zeroed, aligned to a page, physically contiguous. Error::NoMemory.
  virtual base::Result<std::span<std::byte>> allocate(std::size_t bytes) = 0;
  // What allocate() returned. No device may reach it any more: its queues were reset.
  virtual void release(std::span<std::byte> memory) = 0;
  // The address a device uses for kernel memory (direct map, image, or from allocate()); memory that a caller hands
  // to a device in one piece is physically contiguous.
  virtual base::PhysAddr address_of(const std::byte* memory) const = 0;

 protected:
  ~DmaMemory() = default;
};

}  // namespace device

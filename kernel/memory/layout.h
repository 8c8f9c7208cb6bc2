// SPDX-License-Identifier: Apache-2.0
// The kernel half of every address space. One entry of the top-level table covers 512 GiB; all entries of the kernel
// half are made at boot, so that every root table shares what is mapped later.
//   ffff800000000000  direct map of all RAM (64 TiB), never executable
//   ffffc00000000000  device registers and other mappings made at run time (512 GiB)
//   ffffc08000000000  kernel stacks, each with an unmapped page below it (512 GiB)
//   ffffffff80000000  the image
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/base/types.h"

namespace kernel {

inline constexpr std::uintptr_t direct_map_base = 0xffff'8000'0000'0000;
inline constexpr std::uint64_t direct_map_bytes = std::uint64_t{1} << 46;
inline constexpr std::uintptr_t device_map_base = 0xffff'c000'0000'0000;
inline constexpr std::uint64_t device_map_bytes = std::uint64_t{1} << 39;
inline constexpr std::uintptr_t stack_map_base = 0xffff'c080'0000'0000;
inline constexpr std::uint64_t stack_map_bytes = std::uint64_t{1} << 39;
inline constexpr std::uintptr_t image_base = 0xffff'ffff'8000'0000;

// RAM by its physical address. Only RAM that the firmware's memory map names is there.
template <typename T = std::byte>
T* direct_map(base::PhysAddr address) {
  return reinterpret_cast<T*>(direct_map_base + address.value());
}

// The physical address behind a pointer into the direct map or into the image; not for stacks or device mappings.
inline base::PhysAddr physical_address(const void* pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  return base::PhysAddr(address - (address >= image_base ? image_base : direct_map_base));
}

}  // namespace kernel

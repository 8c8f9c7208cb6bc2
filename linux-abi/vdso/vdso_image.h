// SPDX-License-Identifier: Apache-2.0
// The vDSO as bytes: an ELF shared object that runs at any page whose page before it is the clock page.
#pragma once

#include <cstddef>
#include <span>

extern "C" const std::byte vdso_image_start[], vdso_image_end[];

namespace vdso {

inline std::span<const std::byte> image() { return {vdso_image_start, vdso_image_end}; }

}  // namespace vdso

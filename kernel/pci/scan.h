// SPDX-License-Identifier: Apache-2.0
// Finds all PCI functions. Every bus number is tried, not only those behind bridges that were found: a server has
// several root buses, and which they are only AML says.
#pragma once

#include <span>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/pci/function.h"

namespace pci {

inline constexpr std::size_t max_functions = 4096;  // of a machine; beyond it the scan ends with Exhausted

// In the order of their addresses.
base::Result<base::Array<Function>> scan(ConfigSpace& space, std::span<const BusRange> buses);

}  // namespace pci

// SPDX-License-Identifier: Apache-2.0
// The running image's symbol table (symbol_table.h describes it); it is the last thing that a boot loader has loaded.
#pragma once

#include <cstddef>
#include <span>

namespace kernel {

// At least 8 bytes, which are zeros in an image without a table.
std::span<const std::byte> image_symbols();

}  // namespace kernel

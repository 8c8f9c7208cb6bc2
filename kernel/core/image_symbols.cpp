// SPDX-License-Identifier: Apache-2.0
#include "kernel/core/image_symbols.h"

#include <algorithm>
#include <cstdint>

#include "kernel/core/symbol_table.h"

extern "C" const std::uint32_t image_symbols_start[2];  // image.ld

namespace kernel {

std::span<const std::byte> image_symbols() {
  const std::size_t bytes = image_symbols_start[0] == symbol_table_magic ? image_symbols_start[1] : 0;
  return {reinterpret_cast<const std::byte*>(image_symbols_start), std::max(bytes, sizeof image_symbols_start)};
}

}  // namespace kernel

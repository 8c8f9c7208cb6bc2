// SPDX-License-Identifier: Apache-2.0
// Between user_copy and the fault entry: which kernel instructions may fault on user memory.
#pragma once

#include <cstdint>

namespace arch {

// Where to go on if this instruction cannot be completed; 0: it is not one that touches user memory.
std::uint64_t user_fixup(std::uint64_t instruction);

}  // namespace arch

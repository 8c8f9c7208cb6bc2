// SPDX-License-Identifier: Apache-2.0
// Which cores belong together, and the two ways in which Linux writes a set of them (cpuset(7), "FORMATS").
#pragma once

#include <cstdint>

#include "linux-abi/files/synthetic.h"

namespace linux_abi {

using CoreSet = std::uint64_t;  // a bit for each core
CoreSet all_cores();
// Those whose APIC ids are that of `core` above the lowest `bits`.
CoreSet cores_beside(std::uint32_t core, std::uint32_t bits);

Answer<> write_core_list(TextWriter& out, CoreSet cores);  // "0-2,5\n"
Answer<> write_core_mask(TextWriter& out, CoreSet cores);  // "27\n", as many digits as there are cores for

}  // namespace linux_abi

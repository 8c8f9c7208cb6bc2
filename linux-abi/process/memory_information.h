// SPDX-License-Identifier: Apache-2.0
// How much memory a vNode sees: that of the rack's mComponents, as the managers tell it with the launch and in
// heartbeats. For sysinfo and /proc/meminfo.
#pragma once

#include <cstdint>

namespace linux_abi {

struct MemoryInformation {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;
};
MemoryInformation memory_information();
void set_memory_information(const MemoryInformation& information);

}  // namespace linux_abi

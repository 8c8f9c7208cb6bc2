// SPDX-License-Identifier: Apache-2.0
// Segment descriptors: see gdt.h.
#include "arch/x86_64/gdt.h"

namespace arch {
namespace {

// SDM volume 3A, figure 5-1: present, code or data, with its limit at the maximum and 4 KiB granularity.
constexpr std::uint64_t kernel_code = 0x00af9b000000ffff;  // 64-bit, accessed already
constexpr std::uint64_t kernel_data = 0x00cf93000000ffff;
constexpr std::uint64_t user_data = 0x00cff3000000ffff;
constexpr std::uint64_t user_code = 0x00affb000000ffff;

}  // namespace

void make_gdt(Gdt& gdt, TaskState& task) {
  gdt.fill(0);
  task.io_map_base = sizeof(TaskState);  // beyond the limit
  const auto base = reinterpret_cast<std::uint64_t>(&task);
  gdt[kernel_code_selector / 8] = kernel_code;
  gdt[kernel_data_selector / 8] = kernel_data;
  gdt[user_data_selector / 8] = user_data;
  gdt[user_code_selector / 8] = user_code;
  // SDM volume 3A, figure 7-4: 64-bit TSS descriptor, available (type 9).
  gdt[task_selector / 8] =
      (sizeof(TaskState) - 1) | ((base & 0xff'ffff) << 16) | (std::uint64_t{0x89} << 40) | ((base >> 24 & 0xff) << 56);
  gdt[task_selector / 8 + 1] = base >> 32;
}

}  // namespace arch

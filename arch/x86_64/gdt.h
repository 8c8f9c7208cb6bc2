// SPDX-License-Identifier: Apache-2.0
// Segments. In 64-bit mode they say little more than the privilege level, but their order is fixed by SYSRET, which
// takes SS from base + 8 and CS from base + 16 (SDM volume 2B, SYSRET). Each core has a GDT and a TSS of its own.
#pragma once

#include <array>
#include <cstdint>

namespace arch {

inline constexpr std::uint16_t kernel_code_selector = 0x08;
inline constexpr std::uint16_t kernel_data_selector = 0x10;
// The values of Linux, since programs see them in signal frames. 0x18 stays empty.
inline constexpr std::uint16_t sysret_base_selector = 0x20 | 3;  // would be 32-bit user code: nothing uses it
inline constexpr std::uint16_t user_data_selector = 0x28 | 3;
inline constexpr std::uint16_t user_code_selector = 0x30 | 3;
inline constexpr std::uint16_t task_selector = 0x38;  // 16 bytes
static_assert(user_data_selector == sysret_base_selector + 8 && user_code_selector == sysret_base_selector + 16);

// What goes into IA32_STAR.
inline constexpr std::uint64_t star_value =
    (std::uint64_t{sysret_base_selector} << 48) | (std::uint64_t{kernel_code_selector} << 32);

// Exceptions that may find a bad stack pointer run on stacks of their own: TSS interrupt stack table numbers.
inline constexpr std::uint8_t ist_non_maskable = 1;
inline constexpr std::uint8_t ist_double_fault = 2;
inline constexpr std::uint8_t ist_machine_check = 3;
inline constexpr unsigned ist_count = 3;

// SDM volume 3A, figure 7-11.
struct [[gnu::packed]] TaskState {
  std::uint32_t reserved0 = 0;
  std::uint64_t rsp0 = 0;  // stack for entries from user mode
  std::uint64_t rsp1 = 0, rsp2 = 0;
  std::uint64_t reserved1 = 0;
  std::uint64_t ist[7] = {};
  std::uint64_t reserved2 = 0;
  std::uint16_t reserved3 = 0;
  std::uint16_t io_map_base = 0;
};
static_assert(sizeof(TaskState) == 104);

using Gdt = std::array<std::uint64_t, 9>;
static_assert(sizeof(Gdt) == task_selector + 16);

// Fills in the descriptors and closes all ports to user mode; the TSS must not move any more.
void make_gdt(Gdt& gdt, TaskState& task);

}  // namespace arch
